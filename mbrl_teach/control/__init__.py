"""control: smooth, known or learned models; optimal feedback and state estimation by linear algebra."""

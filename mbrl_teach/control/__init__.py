"""Control of smooth worlds, known or learned: what the derivatives of the model allow."""

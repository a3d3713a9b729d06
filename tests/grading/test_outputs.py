"""A teacher's browser shows what students' cells show: text and pictures alone."""

import base64

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from mbrl_teach.grading.outputs import LONGEST, harmless

PNG = base64.b64encode(b"\x89PNG picture").decode()


def test_text_errors_values_and_pictures_are_kept():
    told = [
        {"output_type": "stream", "name": "stdout", "text": "hello"},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["line 1"]},
        {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}, "execution_count": 1},
        {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": "<Figure>"}, "metadata": {}},
    ]
    outputs = harmless(told)
    assert [output.output_type for output in outputs] == [t["output_type"] for t in told]
    assert outputs[0].text == "hello"
    assert outputs[1].ename == "ValueError"
    assert outputs[2].data == {"text/plain": "3"}
    assert outputs[3].data == {"image/png": PNG, "text/plain": "<Figure>"}
    nbformat.validate(new_notebook(cells=[new_code_cell("", outputs=outputs)]))


def test_a_picture_in_bytes_becomes_text():
    (output,) = harmless([{"output_type": "display_data", "data": {"image/png": b"\x89PNG"}}])
    assert base64.b64decode(output.data["image/png"]) == b"\x89PNG"


@pytest.mark.parametrize(
    "kind",
    ["text/html", "application/javascript", "image/svg+xml", "application/vnd.jupyter.widget-view+json"],
)
def test_what_runs_in_a_browser_is_left_out(kind):
    told = {"output_type": "display_data", "data": {kind: "<script>alert(1)</script>", "text/plain": "seen"}}
    (output,) = harmless([told])
    assert output.data == {"text/plain": "seen"}


@pytest.mark.parametrize("picture", ['"><script>alert(1)</script>', "a' onload='x", "é", 3, ["x"]])
def test_a_picture_that_is_none_is_left_out(picture):
    assert harmless([{"output_type": "display_data", "data": {"image/png": picture}}]) == []


def test_long_text_is_cut_and_many_outputs_too():
    outputs = harmless([{"output_type": "stream", "name": "stdout", "text": "x" * 10**6}] * 1000)
    assert len(outputs) == 200
    assert len(outputs[0].text) == LONGEST


STRANGE = [3, None, "x", [], {}, {"output_type": "nonsense"}, {"output_type": "display_data", "data": "x"}]


@pytest.mark.parametrize("told", STRANGE, ids=str)
def test_what_is_no_output_is_left_out(told):
    assert harmless([told]) == []


def test_whatever_the_fields_hold_the_notebook_is_valid():
    told = [
        {"output_type": "error", "ename": [1], "evalue": {"a": 1}, "traceback": "text"},
        {"output_type": "stream", "name": "other", "text": ["a", "b"]},
        {"output_type": "error", "traceback": [1, None]},
    ]
    nbformat.validate(new_notebook(cells=[new_code_cell("", outputs=harmless(told))]))

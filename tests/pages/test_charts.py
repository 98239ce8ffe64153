"""What a chart is given goes to the browser as it is."""

import json

import pytest
from streamlit.components.v2.bidi_component import serialization
from streamlit.proto.BidiComponent_pb2 import BidiComponent

from pages.parts.charts import sealed


def test_no_table_is_looked_for_in_it_so_a_server_needs_no_pandas(monkeypatch):
    monkeypatch.setattr(serialization, "is_dataframe_like", lambda _: pytest.fail("it looked, and loaded pandas"))
    message, data = BidiComponent(), {"token": "1", "status": {"live": False}, "figure": {"data": [{"x": [1, None]}]}}
    serialization.serialize_mixed_data(sealed(data), message)
    assert json.loads(message.json) == [data]

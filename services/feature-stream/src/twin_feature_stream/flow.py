"""The dataflow."""

from bytewax import operators as op
from bytewax.dataflow import Dataflow

from twin_feature_stream.change_source import ChangeSource
from twin_feature_stream.index_stage import IndexStage
from twin_feature_stream.message_sink import MessageSink
from twin_feature_stream.preparation import Preparation


def build_flow(
    changes: ChangeSource, preparation: Preparation, indexing: IndexStage, sink: MessageSink
) -> Dataflow:
    """Changes in, announcements and dead letters out; the index is written on the way.

    An epoch closes only after everything read in it has passed the sink, so a crash repeats it.
    """
    flow = Dataflow("feature_stream")
    records = op.input("changes", flow, changes)
    work = op.flat_map_batch("prepare", records, preparation.prepare)
    messages = op.flat_map_batch("index", work, indexing.index)
    op.output("publish", messages, sink)
    return flow

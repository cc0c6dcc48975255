"""What a collection holds: its vectors and how `GET /collections/{name}` describes it."""

from __future__ import annotations  # some of the engine's types exist in its stubs only

from dataclasses import dataclass
from typing import Any, Self

import qdrant_edge as edge

from .body import Json, count_of, fields
from .errors import invalid, wrong_input
from .payload_indexes import describe_index

UNNAMED = ""
"""The name of the vector of a collection that was created with a single, unnamed one."""

# The engine wants at least one vector. A sparse one that no point ever has costs nothing, and points
# then read back as Qdrant's own do in a collection without vectors: `vector: {}`.
_NO_VECTORS = {"__no_vectors__": edge.EdgeSparseVectorParams()}

# Searches are exact here: building an HNSW graph over 20,000 points stops the process for 7 s and made a
# filtered hybrid query no faster (1.4 ms against 1.2 ms). What follows tunes speed or memory and changes no
# answer, so it is kept and reported, without effect.
_TUNING = (
    "hnsw_config",
    "wal_config",
    "optimizers_config",
    "quantization_config",
    "on_disk_payload",
    "payload",
    "id_tracker",
    "shard_number",
    "replication_factor",
    "write_consistency_factor",
    "metadata",
)
_DENSE_TUNING = ("hnsw_config", "quantization_config", "on_disk", "memory")
_SPARSE_TUNING = ("full_scan_threshold", "on_disk", "memory")

_OPTIMIZERS = edge.EdgeOptimizersConfig(indexing_threshold=0, default_segment_number=1)

_DISTANCES = {
    "Cosine": edge.Distance.Cosine,
    "Euclid": edge.Distance.Euclid,
    "Dot": edge.Distance.Dot,
    "Manhattan": edge.Distance.Manhattan,
}
_DATATYPES = {
    "float32": edge.VectorStorageDatatype.Float32,
    "float16": edge.VectorStorageDatatype.Float16,
    "uint8": edge.VectorStorageDatatype.Uint8,
}


@dataclass(frozen=True)
class DenseVector:
    """A named dense vector: its dimensions, and whether a point has a list of them."""

    size: int
    multiple: bool


@dataclass(frozen=True)
class CollectionSchema:
    """The vectors of a collection, and the request that created it.

    `request` is the body of the creating request without nulls; it alone is stored, the rest is read from it.
    """

    request: dict[str, Json]
    dense: dict[str, DenseVector]
    sparse: frozenset[str]

    @classmethod
    def from_request(cls, body: Json) -> Self:
        """Read the body of `PUT /collections/{name}`.

        Raises RequestError: 422 for a malformed body, 400 for what the engine does not have.
        """
        request = fields(body, "a collection", optional=("vectors", "sparse_vectors", *_TUNING))
        dense, sparse = _dense_requests(request), _sparse_requests(request)
        if overlap := dense.keys() & sparse.keys():
            raise wrong_input(f"the name `{min(overlap)}` is given to a dense and to a sparse vector")
        return cls(
            request=request,
            dense={
                name: DenseVector(count_of(vector["size"], "size", default=1), "multivector_config" in vector)
                for name, vector in dense.items()
            },
            sparse=frozenset(sparse),
        )

    def edge_config(self) -> edge.EdgeConfig:
        """The engine's configuration, with the write-ahead log on: an acknowledged write survives kill -9."""
        dense = {name: _dense(vector) for name, vector in _dense_requests(self.request).items()}
        sparse = {name: _sparse(vector) for name, vector in _sparse_requests(self.request).items()}
        return edge.EdgeConfig(
            vectors=dense,
            sparse_vectors=sparse if dense or sparse else _NO_VECTORS,
            optimizers=_OPTIMIZERS,
            wal_enabled=True,
        )

    def require(self, name: str) -> str:
        """The vector's name, if the collection has it."""
        if name not in self.dense and name not in self.sparse:
            raise wrong_input(f"Not existing vector name error: {name}")
        return name

    def describe(self, info: edge.ShardInfo) -> dict[str, Json]:
        """The answer to `GET /collections/{name}`."""
        request = self.request
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": info.points_count,
            "indexed_vectors_count": info.indexed_vectors_count,
            "segments_count": info.segments_count,
            "config": {
                "params": {
                    "vectors": request.get("vectors", {}),
                    "sparse_vectors": request.get("sparse_vectors"),
                    "shard_number": request.get("shard_number", 1),
                    "replication_factor": request.get("replication_factor", 1),
                    "write_consistency_factor": request.get("write_consistency_factor", 1),
                    "on_disk_payload": request.get("on_disk_payload", True),
                },
                "hnsw_config": {
                    "m": 16,
                    "ef_construct": 100,
                    "full_scan_threshold": 10_000,
                    **request.get("hnsw_config", {}),
                },
                "optimizer_config": {
                    "deleted_threshold": 0.2,
                    "vacuum_min_vector_number": 1000,
                    "default_segment_number": 1,
                    "indexing_threshold": 0,
                    "flush_interval_sec": 5,
                    **request.get("optimizers_config", {}),
                },
                "wal_config": {
                    "wal_capacity_mb": 32,
                    "wal_segments_ahead": 0,
                    **request.get("wal_config", {}),
                },
                "quantization_config": request.get("quantization_config"),
                "metadata": request.get("metadata"),
            },
            "payload_schema": {key: describe_index(index) for key, index in info.payload_schema.items()},
        }


def _dense_requests(request: dict[str, Json]) -> dict[str, dict[str, Json]]:
    vectors = request.get("vectors", {})
    if not isinstance(vectors, dict):
        raise invalid("vectors must be an object")
    if "size" in vectors and not isinstance(vectors["size"], dict):
        vectors = {UNNAMED: vectors}
    return {
        name: fields(
            vector,
            f"the vector `{name}`",
            required=("size", "distance"),
            optional=("datatype", "multivector_config", *_DENSE_TUNING),
        )
        for name, vector in vectors.items()
    }


def _sparse_requests(request: dict[str, Json]) -> dict[str, dict[str, Json]]:
    vectors = request.get("sparse_vectors", {})
    if not isinstance(vectors, dict):
        raise invalid("sparse_vectors must be an object")
    return {
        name: fields(vector, f"the sparse vector `{name}`", optional=("index", "modifier"))
        for name, vector in vectors.items()
    }


def _choice(table: dict[str, Any], value: Json, what: str) -> Any:
    try:
        return table[value]
    except (KeyError, TypeError):
        raise wrong_input(f"{what} {value!r} is not one of {', '.join(table)}") from None


def _dense(vector: dict[str, Json]) -> edge.EdgeVectorParams:
    multivector = None
    if "multivector_config" in vector:
        fields(vector["multivector_config"], "multivector_config", required=("comparator",))
        multivector = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    return edge.EdgeVectorParams(
        size=vector["size"],
        distance=_choice(_DISTANCES, vector["distance"], "distance"),
        multivector_config=multivector,
        datatype=_choice(_DATATYPES, vector["datatype"], "datatype") if "datatype" in vector else None,
    )


def _sparse(vector: dict[str, Json]) -> edge.EdgeSparseVectorParams:
    index = fields(vector.get("index", {}), "index", optional=("datatype", *_SPARSE_TUNING))
    modifier = _choice({"none": None, "idf": edge.Modifier.Idf}, vector.get("modifier", "none"), "modifier")
    datatype = _choice(_DATATYPES, index["datatype"], "datatype") if "datatype" in index else None
    return edge.EdgeSparseVectorParams(modifier=modifier, datatype=datatype)

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_trainer.memory import (
    BatchShape,
    OutOfMemory,
    is_out_of_memory,
    read_shape,
    shrink_after_kill,
    write_shape,
)


class TestShape:
    """A smaller micro-batch, and a step of as many samples."""

    def test_halves_and_doubles(self) -> None:
        assert BatchShape(8, 2).smaller() == BatchShape(4, 4)

    @given(st.integers(2, 64), st.integers(1, 64))
    def test_a_step_sees_as_many_samples(self, micro_batch: int, accumulation: int) -> None:
        smaller = BatchShape(micro_batch, accumulation).smaller()
        assert smaller.micro_batch * smaller.accumulation == micro_batch * accumulation
        assert 1 <= smaller.micro_batch <= micro_batch / 2

    def test_one_sample_cannot_be_halved(self) -> None:
        with pytest.raises(OutOfMemory, match="max_length"):
            BatchShape(1, 16).smaller()


class TestRemembering:
    """A later attempt begins with what fitted."""

    def test_a_killed_attempt_shrinks(self, tmp_path: Path) -> None:
        write_shape(tmp_path, BatchShape(4, 2))
        shrink_after_kill(tmp_path)
        assert read_shape(tmp_path, BatchShape(4, 2)) == BatchShape(2, 4)

    def test_another_step_size_starts_anew(self, tmp_path: Path) -> None:
        write_shape(tmp_path, BatchShape(2, 4))
        assert read_shape(tmp_path, BatchShape(8, 4)) == BatchShape(8, 4)


class TestRecognition:
    """Memory that ran out is told from other failures."""

    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            MemoryError(),
        ],
    )
    def test_memory(self, error: Exception) -> None:
        assert is_out_of_memory(error)

    def test_others(self) -> None:
        assert not is_out_of_memory(RuntimeError("expected scalar type Float but found Half"))
        assert not is_out_of_memory(ValueError("out of memory"))

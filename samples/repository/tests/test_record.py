import pytest
from shiplog.record import decode, encode


class TestDecode:
    def test_gives_back_what_was_encoded(self) -> None:
        frame = encode(b"08:15 Ejder")
        record = decode(b"xx" + frame, 2)
        assert record is not None
        assert (record.body, record.size) == (b"08:15 Ejder", len(frame))

    @pytest.mark.parametrize("kept", range(len(encode(b"Alka"))))
    def test_sees_a_torn_tail_wherever_it_is_torn(self, kept: int) -> None:
        assert decode(encode(b"Alka")[:kept], 0) is None

    def test_sees_a_single_wrong_bit_in_the_body(self) -> None:
        frame = bytearray(encode(b"Alka"))
        frame[-1] ^= 1
        assert decode(bytes(frame), 0) is None

    def test_zeros_are_no_record(self) -> None:
        assert decode(bytes(64), 0) is None


class TestEncode:
    def test_refuses_an_empty_body(self) -> None:
        with pytest.raises(ValueError, match="at least one byte"):
            encode(b"")

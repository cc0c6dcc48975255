"""What a request can be refused with; the text is the sentence the client sees."""


class RequestError(Exception):
    """A refused request. `status` is the HTTP status that Qdrant gives in the same case."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def wrong_input(sentence: str) -> RequestError:
    """400: the request contradicts the collection, or asks for what the engine cannot do."""
    return RequestError(400, f"Wrong input: {sentence}")


def not_found(sentence: str) -> RequestError:
    """404: the collection, alias or point does not exist."""
    return RequestError(404, f"Not found: {sentence}")


def collection_not_found(name: str) -> RequestError:
    """404 in the words of Qdrant, which clients match on."""
    return not_found(f"Collection `{name}` doesn't exist!")


def invalid(sentence: str) -> RequestError:
    """422: the body is JSON, but not the JSON this route takes."""
    return RequestError(422, f"Validation error in JSON body: {sentence}")


def from_engine(error: Exception) -> RequestError:
    """The refusal that an exception of the engine stands for; it raises plain `Exception` for all of them."""
    sentence = str(error).partition("\n")[0]
    if sentence.startswith("No point with id"):
        return not_found(sentence)
    if sentence.endswith("Shard is not initialized"):
        return not_found("the collection was deleted while the request was running")
    if sentence.startswith("Service"):
        return RequestError(500, f"Service internal error: {sentence}")
    return wrong_input(sentence)

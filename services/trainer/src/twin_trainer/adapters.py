"""The adapter that a configuration asks for."""

from peft import LoraConfig

from twin_trainer.config import Method, TrainingConfiguration


def adapter_configuration(configuration: TrainingConfiguration) -> LoraConfig | None:
    """None for a full training, which changes the weights themselves."""
    if configuration.method is Method.FULL:
        return None
    lora = configuration.lora
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.target_modules) or "all-linear",
    )

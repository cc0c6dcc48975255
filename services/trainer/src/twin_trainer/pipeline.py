"""From a dataset to a measured model in the registry; each step finds what an earlier attempt left."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import structlog
from pydantic import SecretStr, TypeAdapter

from twin_common.clock import utc_now
from twin_common.models import JobProgress, LearningCurve
from twin_trainer.base_model import ResolvedBase, resolve_base
from twin_trainer.config import Method, TrainingConfiguration
from twin_trainer.curves import learning_curve
from twin_trainer.dataset import Dataset, open_dataset
from twin_trainer.dpo import train_dpo
from twin_trainer.evaluation.material import read_samples
from twin_trainer.evaluation.models import OpenModel
from twin_trainer.evaluation.rendering.html import render_html
from twin_trainer.evaluation.rendering.markdown import render_markdown
from twin_trainer.evaluation.report import Report, Role
from twin_trainer.evaluation.suite import EvaluationInput, evaluate
from twin_trainer.evaluation.transformers_model import ModelFiles, open_transformers_model
from twin_trainer.experiments import EXPERIMENTS, ExperimentLog, RunningExperiment
from twin_trainer.export.check import ExportUnsupported
from twin_trainer.export.gguf import export_gguf
from twin_trainer.gate import Verdict, decide
from twin_trainer.job_protocol import Finished, JobSpec
from twin_trainer.merge import merge
from twin_trainer.model_card import Lineage, headline_figures, model_card
from twin_trainer.pairs import PairPolicy, write_pairs
from twin_trainer.progress import Progress, TrainedAdapter
from twin_trainer.registry import ModelRegistry, open_registry
from twin_trainer.rows import NoRows
from twin_trainer.sft import train_sft

log = structlog.get_logger(__name__)

Tell = Callable[[JobProgress], None]

GGUF = "model-f16.gguf"
_ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
_REPORT, _VERDICT, _CURVES = "report.json", "verdict.json", "curves.json"
_CURVES_OF = TypeAdapter(tuple[LearningCurve, ...])


@dataclass(frozen=True)
class _Run:
    """One attempt at one training."""

    spec: JobSpec
    configuration: TrainingConfiguration
    dataset: Dataset
    registry: ModelRegistry
    tell: Tell


@dataclass(frozen=True)
class _Trained:
    """What the training stages left."""

    base: ResolvedBase
    sft: TrainedAdapter
    dpo: TrainedAdapter | None
    """None where there was nothing to prefer."""
    folder: Path
    """The merged model."""

    @property
    def adapter(self) -> TrainedAdapter:
        return self.dpo or self.sft


def run_pipeline(spec: JobSpec, tell: Tell) -> Finished:
    """Train, merge, export, measure, judge and keep a model.

    Raises:
        TwinError: a person has to do something; the text says what.
        ServerUnavailable, DatasetGone: a later attempt may succeed.
    """
    job = spec.job
    token = os.environ.get("TRAINER_HUB_TOKEN")
    registry = open_registry(spec.registry, spec.hub_namespace, SecretStr(token) if token else None)
    location = registry.find(job.author_id, job.model_id)
    if location is None:
        configuration = TrainingConfiguration.model_validate_json(job.configuration)
        run = _Run(spec, configuration, open_dataset(spec.registry, job.dataset_location), registry, tell)
        trained = _train(run)
        _describe(run, trained, _measure(run, trained))
        tell(JobProgress(phase="keep"))
        location = registry.save(job.author_id, job.model_id, trained.folder)
    shutil.rmtree(spec.work, ignore_errors=True)
    return _finished(location, registry.path(location))


def _train(run: _Run) -> _Trained:
    run.tell(JobProgress(phase="base model"))
    base = resolve_base(run.configuration)
    name, dataset_id = run.spec.job.model_id, run.dataset.dataset_id
    experiments = ExperimentLog(run.spec.registry / EXPERIMENTS)
    with experiments.record(name, run.configuration, dataset_id, base.revision) as experiment:
        sft, dpo = _learn(run, base, experiment)
    return _Trained(base, sft, dpo, _merged(run, base, dpo or sft))


def _learn(
    run: _Run, base: ResolvedBase, experiment: RunningExperiment
) -> tuple[TrainedAdapter, TrainedAdapter | None]:
    """Both stages; the second only where there is anything to prefer."""
    spec, configuration, dataset = run.spec, run.configuration, run.dataset
    report = partial(_tell_stage, run.tell)
    sft = experiment.add(train_sft(configuration, dataset.folder, spec.work, report))
    rows = dataset.folder
    if not dataset.has_pairs and spec.pairs:
        files = ModelFiles(configuration.base_model, base.folder, None, sft.folder, _device())
        rows = write_pairs(
            dataset.folder,
            partial(open_transformers_model, files),
            spec.work / "pairs",
            PairPolicy(spec.pairs, spec.pair_tokens),
            lambda done, total: run.tell(JobProgress(phase="pairs", step=done, steps=total)),
        )
    if not (rows / "preference/train.parquet").exists():
        return sft, None
    try:
        return sft, experiment.add(train_dpo(configuration, sft, rows, spec.work, report))
    except NoRows as nothing:
        log.warning("trained without preferences", reason=str(nothing))
        return sft, None


def _merged(run: _Run, base: ResolvedBase, adapter: TrainedAdapter) -> Path:
    """The merged model, compared, with its adapter and its GGUF."""
    folder, done = run.spec.work / "model", run.spec.work / "merged"
    if done.exists():
        return folder
    run.tell(JobProgress(phase="merge"))
    merge(base, adapter.folder, folder)
    if run.configuration.method is not Method.FULL:
        # Beside the merged weights, for servers that load adapters over one base.
        (folder / "adapter").mkdir()
        for name in _ADAPTER:
            shutil.copy2(adapter.folder / name, folder / "adapter" / name)
    run.tell(JobProgress(phase="export"))
    try:
        export_gguf(folder, folder / GGUF)
    except ExportUnsupported as error:  # other servers serve the merged model itself
        log.warning("there is no GGUF of this model", reason=str(error))
    done.touch()
    return folder


def _measure(run: _Run, trained: _Trained) -> Report:
    spec, configuration, dataset = run.spec, run.configuration, run.dataset
    kept = trained.folder / _REPORT
    if kept.exists():
        return Report.model_validate_json(kept.read_bytes())
    base, device = trained.base.folder, _device()
    is_whole = configuration.method is Method.FULL

    def adapted(name: str, adapter: TrainedAdapter) -> ModelFiles:
        if is_whole:
            return ModelFiles(name, adapter.folder, device=device)
        return ModelFiles(name, base, adapter.folder, trained.folder, device)

    models: dict[Role, OpenModel] = {}
    files = {Role.BASE: ModelFiles(configuration.base_model, base, None, trained.folder, device)}
    files[Role.SFT] = adapted(f"{spec.job.model_id} after SFT", trained.sft)
    if trained.dpo is not None:
        files[Role.DPO] = ModelFiles(spec.job.model_id, trained.folder, device=device)
    if spec.production is not None:
        production = run.registry.path(spec.production)
        files[Role.PRODUCTION] = ModelFiles(production.name, production, device=device)
    for role, of_role in files.items():
        models[role] = partial(open_transformers_model, of_role)
    training, held_out = read_samples(dataset.folder)
    return evaluate(
        EvaluationInput(
            author_id=spec.job.author_id,
            dataset_id=dataset.dataset_id,
            models=models,
            candidate=Role.SFT if trained.dpo is None else Role.DPO,
            training=training,
            held_out=held_out,
            policy=spec.evaluation,
        ),
        progress=lambda what, done, total: run.tell(
            JobProgress(phase=f"evaluate: {what}", step=done, steps=total)
        ),
    )


def _describe(run: _Run, trained: _Trained, report: Report) -> None:
    """Judge the model, and write what a reader of the registry wants to know beside the weights."""
    spec, configuration, dataset = run.spec, run.configuration, run.dataset
    verdict = decide(report, spec.gate)
    lineage = Lineage(
        name=spec.job.model_id,
        authors=dataset.authors,
        dataset_id=dataset.dataset_id,
        dataset_hash=dataset.content_hash,
        documents=dataset.documents,
        base_model=configuration.base_model,
        base_revision=trained.base.revision,
        base_licence=trained.base.licence,
        configuration=json.loads(spec.job.configuration),
        code_version=version("twin-trainer"),
        created_at=utc_now(),
    )
    stages = [stage for stage in (trained.sft, trained.dpo) if stage is not None]
    curves = tuple(map(learning_curve, stages))
    texts = {
        _CURVES: _CURVES_OF.dump_json(curves, indent=2).decode(),
        _REPORT: report.model_dump_json(indent=2),
        _VERDICT: verdict.model_dump_json(indent=2),
        "report.html": render_html(report, verdict),
        "report.md": render_markdown(report, verdict),
        "lineage.json": lineage.to_json(),
        "README.md": model_card(lineage, report, verdict),
    }
    for name, text in texts.items():
        (trained.folder / name).write_text(text, encoding="utf-8")


def _finished(location: str, folder: Path) -> Finished:
    """What the registry says of a model: also of one that an earlier attempt kept, and could not tell of."""
    report_json = (folder / _REPORT).read_text(encoding="utf-8")
    report = Report.model_validate_json(report_json)
    verdict = Verdict.model_validate_json((folder / _VERDICT).read_bytes())
    curves = folder / _CURVES  # a model of an older version has none
    return Finished(
        location=location,
        trained_at=report.created_at,
        passed=verdict.passed,
        why="; ".join(verdict.reasons) or f"all {len(verdict.rules)} rules hold",
        figures=headline_figures(report),
        curves=_CURVES_OF.validate_json(curves.read_bytes()) if curves.exists() else (),
        report_json=report_json,
        report_html=(folder / "report.html").read_text(encoding="utf-8"),
        report_markdown=(folder / "report.md").read_text(encoding="utf-8"),
    )


def _tell_stage(tell: Tell, progress: Progress) -> None:
    tell(
        JobProgress(
            phase=progress.stage,
            step=progress.step,
            steps=progress.steps,
            loss=progress.loss,
            tokens_per_second=progress.tokens_per_second,
            seconds_left=progress.seconds_left,
        )
    )


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"

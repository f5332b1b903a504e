"""From a trained network to the directory that ``faster_whisper.WhisperModel`` loads."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tokenizers import Tokenizer

from ops.models.asr.network import ALL_POSITIONS, TEXT_POSITIONS, TIMED_HEADS, Network
from ops.models.asr.tokens import END, TokenIds

_PREPROCESSOR: Final = {
    "chunk_length": 10,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 160_000,
    "nb_max_frames": 1_000,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": 16_000,
}
_TOKENIZER: Final = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": END,
    "bos_token": END,
    "unk_token": END,
    "clean_up_tokenization_spaces": False,
}


def export_recogniser(network: Network, tokenizer: Tokenizer, out: Path) -> None:
    """Write ``network`` and ``tokenizer`` to ``out`` as a CTranslate2 model, int8."""
    from ctranslate2.converters import TransformersConverter  # noqa: PLC0415 # imports transformers

    ids = TokenIds.of(tokenizer)
    with TemporaryDirectory() as folder:
        source = Path(folder)
        _as_transformers(network, ids).save_pretrained(source)
        tokenizer.save(str(source / "tokenizer.json"))
        _write(source / "tokenizer_config.json", _TOKENIZER)
        _write(source / "preprocessor_config.json", _PREPROCESSOR)
        copied = ["tokenizer.json", "preprocessor_config.json"]
        converter = TransformersConverter(str(source), copy_files=copied)
        converter.convert(str(out), quantization="int8", force=True)
    # transformers 5 drops these on reload, and the converter then writes the defaults of the large models.
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    _write(out / "config.json", {**config, **_decoding(ids)})


def _decoding(ids: TokenIds) -> dict[str, Any]:
    """Only the trained languages compete in detection, and an answer may not begin with its end."""
    return {
        "alignment_heads": [list(head) for head in TIMED_HEADS],
        "lang_ids": sorted(ids.languages.values()),
        "suppress_ids": [],
        "suppress_ids_begin": [ids.end],
    }


def _as_transformers(network: Network, ids: TokenIds) -> Any:
    from transformers import WhisperConfig, WhisperForConditionalGeneration  # noqa: PLC0415 # slow to import

    size = network.size
    config = WhisperConfig(
        vocab_size=size.vocabulary,
        d_model=size.width,
        encoder_layers=size.encoder_layers,
        decoder_layers=size.decoder_layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=size.inner,
        decoder_ffn_dim=size.inner,
        max_source_positions=ALL_POSITIONS,
        max_target_positions=TEXT_POSITIONS,
        num_mel_bins=80,
        activation_function="gelu",
        pad_token_id=ids.end,
        bos_token_id=ids.end,
        eos_token_id=ids.end,
        decoder_start_token_id=ids.start,
    )
    model: Any = WhisperForConditionalGeneration(config)
    model.eval()
    weights = {name: value for name, value in network.state_dict().items() if name.startswith("model.")}
    model.load_state_dict({**weights, "proj_out.weight": weights["model.decoder.embed_tokens.weight"]})
    model.tie_weights()
    generation = model.generation_config
    generation.suppress_tokens, generation.begin_suppress_tokens = [], [ids.end]
    # Otherwise transformers derives this file from the model's configuration again and loses the above.
    generation._from_model_config = False  # noqa: SLF001 # there is no public switch
    return model


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

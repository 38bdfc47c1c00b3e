"""How large a Whisper network is: its arrays by the names that they have in OpenAI's and Hugging Face's files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """0.94 million weights as it stands, at the miniature's vocabulary."""

    vocabulary: int
    width: int = 96
    heads: int = 3
    hidden: int = 384
    encoder_layers: int = 2
    decoder_layers: int = 2
    mels: int = 80
    positions: int = 1500
    """Of the encoder, 20 ms each; CTranslate2 expects as many however short the window is."""
    text_positions: int = 448

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """The size of each."""
        width = self.width
        found: dict[str, tuple[int, ...]] = {
            "encoder.conv1.weight": (width, self.mels, 3),
            "encoder.conv1.bias": (width,),
            "encoder.conv2.weight": (width, width, 3),
            "encoder.conv2.bias": (width,),
            "encoder.embed_positions.weight": (self.positions, width),
            "decoder.embed_tokens.weight": (self.vocabulary, width),
            "decoder.embed_positions.weight": (self.text_positions, width),
        }
        for side, layers in (("encoder", self.encoder_layers), ("decoder", self.decoder_layers)):
            found |= self._norm(f"{side}.layer_norm")
            for number in range(layers):
                layer = f"{side}.layers.{number}"
                found |= self._attention(f"{layer}.self_attn")
                if side == "decoder":
                    found |= self._attention(f"{layer}.encoder_attn")
                found |= {
                    f"{layer}.fc1.weight": (self.hidden, width),
                    f"{layer}.fc1.bias": (self.hidden,),
                    f"{layer}.fc2.weight": (width, self.hidden),
                    f"{layer}.fc2.bias": (width,),
                }
                found |= self._norm(f"{layer}.final_layer_norm")
        return found

    def _attention(self, name: str) -> dict[str, tuple[int, ...]]:
        square, line = (self.width, self.width), (self.width,)
        weights = {f"{name}.{part}_proj.weight": square for part in ("q", "k", "v", "out")}
        biases = {f"{name}.{part}_proj.bias": line for part in ("q", "v", "out")}
        return {**weights, **biases, **self._norm(f"{name}_layer_norm")}

    def _norm(self, name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (self.width,), f"{name}.bias": (self.width,)}

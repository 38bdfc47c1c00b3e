"""Words that end in a full stop and end no sentence, as data."""

from __future__ import annotations

from typing import Final

_TITLES: Final = """
mr mrs ms dr drs prof st sr jr rev hon gen col capt lt sgt maj cmdr gov sen rep pres supt messrs mt ft
mm mme mmes mlle mlles mgr me dir pr vve
hr hrn fr frl dipl ing mag
sra srta sres dña ud uds exmo
sig sigg dott avv arch geom on
dhr mevr mw mej
"""
_POINTERS: Final = """
approx ca cca cf vgl vs bzw resp evtl ggf inkl exkl zzgl abs anm bd bde bspw sog geb gest vol vols fig figs eq eqs
tab nr núm réf ref éd edn pp pág págs págg ff chap cap kap arts env av apr boul bld tél tel
e.g i.e z.b d.h u.a s.o s.u v.a o.ä u.ä z.t i.d.r m.e p.ej p.e d.w.z o.a b.v m.b.t bl.a d.v.s t.ex dvs fx bl
т.е т.к г ул д стр рис им проф акад напр tzw np ul św inż bkz vb esim
"""
ALWAYS: Final = frozenset(_TITLES.split()) | frozenset(_POINTERS.split())
"""In any language; compared in small letters, without the last full stop."""

BEFORE_DIGITS: Final = frozenset(
    {"art", "h", "kl", "no", "nos", "nº", "num", "op", "pag", "page", "str", "u", "v", "vv"}
)
"""These only before a digit, because they are words of their own too, or may end a sentence."""

SINGLE_WORDS: Final = {
    "en": "ai",
    "fr": "aày",
    "es": "aeoyuà",
    "it": "aeioèà",
    "pt": "aeoéà",
    "pl": "aiouwz",
    "ru": "аивксуояб",
    "da": "iåø",
    "no": "iåø",
    "sv": "iåö",
    "nl": "u",
    "tr": "o",
    "el": "οηω",
    "ms": "",
    "sw": "",
}
"""Words of one letter, which are no abbreviations at a sentence's end."""

ORDINALS: Final = frozenset({"de", "da", "no", "fi", "tr", "pl"})
"""Languages that write "the 3rd" as `3.`."""

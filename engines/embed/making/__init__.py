"""Making a model that the engine can load, once, from a folder with weights; run by `engineroom models import`."""

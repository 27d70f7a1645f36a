"""How good the recognition is, measured on labelled photographs.

``python -m workers.evaluation DATA`` works on any folder in LFW's layout (``Name/Name_0001.jpg``)
with a ``pairs.csv``, an ``identification.csv`` or both beside the folders of the people. It runs
the pipeline and the matching code of the service itself.
"""

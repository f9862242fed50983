"""Trials of the SEED data sets as their authors published them: labels, windows and film clips per trial."""

import numpy as np

# SEED: the same 15 film clips in every session. 0 negative, 1 neutral, 2 positive (files: -1, 0, 1).
SEED_CLASSES = ("negative", "neutral", "positive")
SEED_LABELS = (2, 1, 0, 0, 1, 2, 0, 1, 2, 2, 1, 0, 1, 2, 0)
SEED_WINDOWS_1S = (235, 233, 206, 238, 185, 195, 237, 216, 265, 237, 235, 233, 235, 238, 206)
SEED_WINDOWS_4S = tuple(windows // 4 for windows in SEED_WINDOWS_1S)  # 842 in all
# Of the raw recordings (time.txt); end - start are the windows of 1 s above.
SEED_START_S = (27, 290, 551, 784, 1050, 1262, 1484, 1748, 1993, 2287, 2551, 2812, 3072, 3335, 3599)
SEED_END_S = (262, 523, 757, 1022, 1235, 1457, 1721, 1964, 2258, 2524, 2786, 3045, 3307, 3573, 3805)

# SEED-V: other clips in each of the three sessions, one row a session.
SEED_V_CLASSES = ("disgust", "fear", "sad", "neutral", "happy")
SEED_V_LABELS = (
    (4, 1, 3, 2, 0, 4, 1, 3, 2, 0, 4, 1, 3, 2, 0),
    (2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0),
    (2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0),
)
SEED_V_START_S = (
    (30, 132, 287, 555, 773, 982, 1271, 1628, 1730, 2025, 2227, 2435, 2667, 2932, 3204),
    (30, 299, 548, 646, 836, 1000, 1091, 1392, 1657, 1809, 1966, 2186, 2333, 2490, 2741),
    (30, 353, 478, 674, 825, 908, 1200, 1346, 1451, 1711, 2055, 2307, 2457, 2726, 2888),
)
SEED_V_END_S = (
    (102, 228, 524, 742, 920, 1240, 1568, 1697, 1994, 2166, 2401, 2607, 2901, 3172, 3359),
    (267, 488, 614, 773, 967, 1059, 1331, 1622, 1777, 1908, 2153, 2302, 2428, 2709, 2817),
    (321, 418, 643, 764, 877, 1147, 1284, 1418, 1679, 1996, 2275, 2425, 2664, 2857, 3066),
)
SEED_V_WINDOWS_4S = tuple(  # 681, 541 and 601 in all
    tuple((end - start) // 4 for start, end in zip(starts, ends, strict=True))
    for starts, ends in zip(SEED_V_START_S, SEED_V_END_S, strict=True)
)

# SEED-IV: other clips in each of the three sessions; window counts are published for the first only.
SEED_IV_CLASSES = ("neutral", "sad", "fear", "happy")
SEED_IV_LABELS = (
    (1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3),
    (2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1),
    (1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0),
)
SEED_IV_WINDOWS_4S = (42, 23, 49, 32, 22, 40, 38, 52, 36, 42, 12, 27, 54, 42, 64, 35, 17, 44, 35, 12, 28, 28, 43, 34)

# SEED-VII: other clips in each of the four sessions, which show five emotions each; no window counts are published.
SEED_VII_CLASSES = ("disgust", "fear", "sad", "neutral", "happy", "anger", "surprise")
SEED_VII_LABELS = (
    (4, 3, 0, 2, 5, 5, 2, 0, 3, 4, 4, 3, 0, 2, 5, 5, 2, 0, 3, 4),
    (5, 2, 1, 3, 6, 6, 3, 1, 2, 5, 5, 2, 1, 3, 6, 6, 3, 1, 2, 5),
    (4, 6, 0, 1, 5, 5, 1, 0, 6, 4, 4, 6, 0, 1, 5, 5, 1, 0, 6, 4),
    (0, 2, 1, 6, 4, 4, 6, 1, 2, 0, 0, 2, 1, 6, 4, 4, 6, 1, 2, 0),
)


def stimuli(count: int, session: int, same_in_all_sessions: bool) -> np.ndarray:
    """Numbers (count,), from 1, of the film clips that a session's trials show."""
    return np.arange(1, count + 1) + (0 if same_in_all_sessions else count * (session - 1))

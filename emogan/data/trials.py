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

# SEED-FRA: the same 21 clips in every session; classes as SEED's.
SEED_FRA_LABELS = (2, 0, 1, 0, 2, 1, 0, 1, 2, 0, 1, 2, 2, 1, 0, 0, 1, 2, 0, 1, 2)
SEED_FRA_START_S = (
    *(21, 213, 489, 687, 982, 1103, 1252, 1572, 1738, 1887, 2174, 2327),
    *(2492, 2619, 2783, 2931, 3029, 3216, 3369, 3515, 3622),
)
SEED_FRA_END_S = (
    *(193, 468, 667, 962, 1082, 1232, 1552, 1718, 1867, 2154, 2307, 2471),
    *(2599, 2763, 2910, 3008, 3195, 3349, 3495, 3602, 3797),
)

# SEED-GER: the same 20 clips in every session; classes as SEED's. Of two clips no times are public: they are presumed
# to fill the gaps there, with pauses of 30 s as between the others.
SEED_GER_LABELS = (2, 1, 0, 0, 1, 2, 0, 1, 2, 2, 1, 0, 1, 2, 1, 0, 0, 1, 2, 2)
SEED_GER_START_S = (
    *(5, 166, 411, 861, 1114, 1287, 1454, 1620, 1878, 2135, 2310, 2502, 2709, 3028, 3162, 3290, 3656, 3823, 4109, 4366),
)
SEED_GER_END_S = (
    *(136, 381, 831, 1084, 1257, 1423, 1589, 1848, 2105, 2280, 2472, 2677, 2998, 3131, 3259, 3626, 3792, 4079, 4336),
    4538,
)
SEED_GER_PRESUMED = {2: 411 - 136, 19: 4366 - 4079}  # clip, from 1, and seconds between its neighbours

SEED_FRA_SECONDS, SEED_GER_SECONDS = (
    tuple(end - start for start, end in zip(starts, ends, strict=True))
    for starts, ends in ((SEED_FRA_START_S, SEED_FRA_END_S), (SEED_GER_START_S, SEED_GER_END_S))
)
SEED_FRA_WINDOWS_4S = tuple(seconds // 4 for seconds in SEED_FRA_SECONDS)  # 553 and 281 in the two parts
SEED_GER_WINDOWS_4S = tuple(seconds // 4 for seconds in SEED_GER_SECONDS)


def stimuli(count: int, session: int, same_in_all_sessions: bool) -> np.ndarray:
    """Numbers (count,), from 1, of the film clips that a session's trials show."""
    return np.arange(1, count + 1) + (0 if same_in_all_sessions else count * (session - 1))

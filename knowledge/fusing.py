"""How two rankings become one, as parts of the search's SQL statement.

By scores where both lists have scores that mean something: each is spread over 0..1 within the
question's own candidates, then weighed (Bruch, Gai, Ingber 2023). By ranks where the keyword
scores are those of full text, which say little. What was not embedded has its words alone.
"""

# Cormack, Clarke, Büttcher 2009: the constant of reciprocal rank fusion.
RRF_K = 60
# Share of the dense score; the rest is the keyword score's. From 0.5 to 0.7 all measured sets stay
# within a point of their best (docs/measurements.md).
DENSE_WEIGHT = 0.6

# Both read `found`: id, dense_rank, dense_score, keyword_rank, keyword_score.
BY_SCORE = f"""
SELECT spread.*,
    CASE WHEN dense_score IS NULL THEN keyword_share
        ELSE {DENSE_WEIGHT} * dense_share + {1 - DENSE_WEIGHT:.2f} * keyword_share
    END AS fused_score
FROM (
    SELECT found.*,
        coalesce((dense_score - min(dense_score) OVER ()) / nullif(
            max(dense_score) OVER () - min(dense_score) OVER (), 0
        ), 1) AS dense_share,
        coalesce((keyword_score - least_word) / nullif(
            max(keyword_score) OVER () - least_word, 0
        ), (keyword_score > 0)::int, 0) AS keyword_share
    FROM (
        -- A list that was not filled ends where nothing matches any more.
        SELECT found.*, CASE WHEN count(keyword_score) OVER () < {{limit}} THEN 0
            ELSE min(keyword_score) OVER () END AS least_word
        FROM found
    ) AS found
) AS spread
"""

BY_RANK = f"""
SELECT found.*, coalesce(1.0 / ({RRF_K} + dense_rank), 0)
    + coalesce(1.0 / ({RRF_K} + keyword_rank), 0) AS fused_score
FROM found
"""


def fused(*, by_score: bool, limit: int) -> str:
    """The statement's part that gives each row of `found` its `fused_score`."""
    return BY_SCORE.format(limit=int(limit)) if by_score else BY_RANK

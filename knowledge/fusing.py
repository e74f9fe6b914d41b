"""How two rankings become one, as parts of the search's SQL statement.

By scores where both lists have scores that mean something: the cosine spread over 0..1 within the
question's own candidates, the keyword score as a share of the best one, then weighed (Bruch, Gai,
Ingber 2023). Where no word tells one passage from another, keyword scores are alike and move
nothing. By ranks where the keyword scores are those of full text, which say little.
"""

# Cormack, Clarke, Büttcher 2009: the constant of reciprocal rank fusion.
RRF_K = 60
# Share of the dense score; the rest is the keyword score's. From 0.5 to 0.65 all measured sets
# stay within two points of their best (docs/measurements.md).
DENSE_WEIGHT = 0.55

# Both read `found`: id, dense_rank, dense_score, keyword_rank, keyword_score.
# What was not embedded has its words alone.
BY_SCORE = f"""
SELECT shares.*,
    CASE WHEN dense_score IS NULL THEN keyword_share
        ELSE {DENSE_WEIGHT} * dense_share + {1 - DENSE_WEIGHT:.2f} * keyword_share
    END AS fused_score
FROM (
    SELECT found.*,
        coalesce((dense_score - min(dense_score) OVER ()) / nullif(
            max(dense_score) OVER () - min(dense_score) OVER (), 0
        ), 1) AS dense_share,
        coalesce(keyword_score / nullif(max(keyword_score) OVER (), 0), 0) AS keyword_share
    FROM found
) AS shares
"""

BY_RANK = f"""
SELECT found.*, coalesce(1.0 / ({RRF_K} + dense_rank), 0)
    + coalesce(1.0 / ({RRF_K} + keyword_rank), 0) AS fused_score
FROM found
"""

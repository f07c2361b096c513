"""Similar products: what of the catalogue is most like one product, by the fitted ranker."""

import numpy as np
import pyarrow as pa

from suitably.errors import DataError
from suitably.model.model import Model
from suitably.ranking.similarity import SimilarProducts

__all__ = ["similar_products"]


def similar_products(model: Model, product_id: object, k: int) -> pa.Table:
    """Return the products of the catalogue that are most like one.

    Args:
        model: The fitted model.
        product_id: The product; it may have left the catalogue.
        k: The most products.

    Returns:
        product_id and score (float32), best first, then in the order of the catalogue.

    Raises:
        DataError: An unknown product.
        ValueError: The ranker has neither vectors nor neighbours of products.
    """
    ranker, state = model.rankers[0], model.state
    if not isinstance(ranker, SimilarProducts):
        raise ValueError(
            f"similar_products: {type(ranker).__name__} has neither vectors nor neighbours of "
            f"products"
        )
    product = int(state.products.codes_of([product_id], "product_id")[0])
    if product < 0:
        raise DataError("similar_products: the product is unknown to this pipeline")
    found = np.full(len(state.products), np.nan, np.float32)
    told = ranker.product_similarities(product)
    found[: len(told)] = told
    found[product] = np.nan
    scores = found[state.positions]
    order = np.argsort(-scores, kind="stable")[:k]
    order = order[~np.isnan(scores[order])]
    return pa.table(
        {"product_id": state.catalogue.ids.decode(order), "score": pa.array(scores[order])}
    )

"""Cache entries in two stores, compared."""

import torch


def assert_same_records(store, other, keys):
    for key in keys:
        (tensors, fields), (others, other_fields) = store.load(key), other.load(key)
        assert fields == other_fields
        assert tensors.keys() == others.keys()
        assert all(torch.equal(tensors[name], others[name]) for name in tensors)

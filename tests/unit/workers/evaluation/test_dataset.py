from __future__ import annotations

import pytest

from workers.evaluation.dataset import Pair, Photograph, read_dataset


def test_both_lists_are_read(tmp_path):
    (tmp_path / "pairs.csv").write_text("fold,first,second,same_person\n1,A/a.jpg,B/b.jpg,0\n")
    (tmp_path / "identification.csv").write_text("role,subject,file\nprobe,A,A/a.jpg\n")
    dataset = read_dataset(tmp_path)
    assert dataset.pairs == (Pair("1", "A/a.jpg", "B/b.jpg", same_person=False),)
    assert dataset.photographs == (Photograph("probe", "A", "A/a.jpg"),)
    assert dataset.files() == ["A/a.jpg", "B/b.jpg"]


def test_one_list_is_enough(tmp_path):
    (tmp_path / "pairs.csv").write_text("fold,first,second,same_person\n1,A/a.jpg,A/b.jpg,1\n")
    assert read_dataset(tmp_path).photographs == ()


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(ValueError, match="neither"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("pairs.csv", "first,second\na,b\n", "lacks the columns fold, same_person"),
        ("pairs.csv", "fold,first,second,same_person\n1,a,b,yes\n", "same_person"),
        ("identification.csv", "role,subject,file\nguest,A,a\n", "guest"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path, name, content, complaint):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=complaint):
        read_dataset(tmp_path)

from sysdig_py.capture.treatment import Treatment, Verdict


def test_what_nobody_says_anything_about_is_kept():
    assert Treatment() == Treatment(Verdict.KEEP, 0, 0)
    assert Verdict.KEEP == 0, "so is a plan full of zeros"

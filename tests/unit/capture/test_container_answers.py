from sysdig_py import filter as filters
from sysdig_py.capture.container_answers import ContainerAnswers
from sysdig_py.engine.vm import Engine

WORLD = """
local containers = require("state.containers")
return function(id, name) containers.update({ id = id, full_id = id, type = "docker", name = name, image = "",
    image_id = "", image_repo = "", image_tag = "", image_digest = "", ip = "", privileged = false, labels = {} }) end,
    function(cgroup, id) containers.set_cgroup(cgroup, "/x", id) end
"""


def source(text):
    return filters.compile(text).lua_source


def test_answers_are_given_once_and_again_when_they_change():
    engine = Engine()
    container, cgroup = engine.execute(WORLD)
    answers = ContainerAnswers(engine, [source("container.id=host"), source("container.name startswith we")])
    cgroup(1, b"")
    cgroup(2**40 + 7, b"abc")
    assert answers.changed() == {1: 1, 2**40 + 7: 0}
    assert answers.changed() == {}
    container(b"abc", b"web")
    assert answers.changed() == {2**40 + 7: 2}


def test_there_are_64_bits():
    engine = Engine()
    _, cgroup = engine.execute(WORLD)
    cgroup(5, b"")
    asked = [source(f"container.id={'host' if i in (0, 31, 32, 63) else 'x'}") for i in range(64)]
    assert ContainerAnswers(engine, asked).changed() == {5: 1 | 1 << 31 | 1 << 32 | 1 << 63}


def test_the_event_in_hand_stays():
    engine = Engine()
    _, cgroup = engine.execute(WORLD)
    cgroup(5, b"")
    before = engine.execute("local ev = require('ev'); ev.container = { id = 'kept' }; return ev.thread")
    ContainerAnswers(engine, [source("container.id=host")]).changed()
    assert engine.execute("return require('ev').container.id") == b"kept"
    assert engine.execute("return require('ev').thread == ...", before)


def test_without_questions_nothing_is_asked():
    assert ContainerAnswers().changed() == {}
    assert ContainerAnswers(Engine(), []).changed() == {}

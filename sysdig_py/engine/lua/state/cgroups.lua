-- Cgroups of a thread -> container, for streams whose events do not name a cgroup (.scap): by the rules of their
-- recorder, its engines in their order, each looking at all paths; an id is what its pattern cuts out of a path.
local containers = require("state.containers")
local threads = require("state.threads")

local M = {}

local ID_LENGTH, SHORT = 64, 12
local cache = {}

-- Position behind the last occurrence of `text`, and where it starts; nil when there is none.
local function last_of(path, text)
    local at, from = nil, 1
    while true do
        local start = path:find(text, from, true)
        if not start then break end
        at, from = start, start + 1
    end
    return at
end

local function hex_between(path, prefix, suffix)
    local start = last_of(path, prefix)
    if not start then return nil end
    start = start + #prefix
    local stop = suffix == "" and #path + 1 or last_of(path, suffix)
    if not stop or stop - start ~= ID_LENGTH then return nil end
    local id = path:sub(start, stop - 1)
    return not id:find("%X") and id:sub(1, SHORT) or nil
end

local function runc(type, pairs_)
    return function(path)
        for _, pair in ipairs(pairs_) do
            local id = hex_between(path, pair[1], pair[2])
            if id then return type, id, "" end
        end
    end
end

local function lxc(path)
    for _, prefix in ipairs({ "/lxc/", "/lxc.payload/" }) do
        local start = path:find(prefix, 1, true)
        if start then
            local id = path:match("^[^/]*", start + #prefix)
            if id ~= "" then return "lxc", id, id end
        end
    end
end

local function libvirt(path)
    local id = path:match("([^/]+)%.libvirt%-lxc$") or path:match("%-lxc\\x2.(.+)%.scope$")
        or path:match("/libvirt/lxc/(.+)$")
    if id then return "libvirt-lxc", id, id end
end

local function bpm(path)
    local start = path:find("bpm-", 1, true)
    local stop = start and last_of(path, ".scope")
    local id = stop and path:sub(start + 4, stop - 1)
    if id and id ~= "" and not id:find("[^%w._-]") then return "bpm", id, id end
end

local ENGINES = {
    runc("podman", { { "/libpod-", ".scope" } }),
    runc("docker", { { "/", "" }, { "/docker-", ".scope" } }),
    runc("cri", { { "/crio-", "" }, { "/cri-containerd-", ".scope" }, { "/crio-", ".scope" },
        { ":cri-containerd:", "" } }),
    lxc, libvirt, bpm,
}

local MESOS_ID = ("[%x-]"):rep(36)

-- Mesos tells by the path and by the environment of the process or an ancestor.
local function mesos(paths, has_variable)
    for _, path in ipairs(paths) do
        local id = path:match("/mesos/(" .. MESOS_ID .. ")$") or path:match("/mesos/(" .. MESOS_ID .. ")/")
        if id and has_variable("MESOS_TASK_ID") then return "mesos", id, id end
    end
end

local function paths_of(text)
    local paths = {}
    for entry in text:gmatch("[^%z]+") do
        paths[#paths + 1] = entry:match("^.*=(.*)$") or entry
    end
    return paths
end

local NOTHING = {}

local function search(paths)
    for _, engine in ipairs(ENGINES) do
        for _, path in ipairs(paths) do
            local type, id, name = engine(path)
            if type then return { type = type, id = id, name = name } end
        end
    end
    return NOTHING
end

local function identified(text)
    local known = cache[text]
    if not known then
        known = search(paths_of(text))
        cache[text] = known
    end
    return known
end

local function bare(type, id, name)
    return containers.update({
        id = id, full_id = id, type = type, name = name, image = "", image_id = "", image_repo = "", image_tag = "",
        image_digest = "", ip = "", labels = {}, bare = true,
    })
end

local function has_variable(thread)
    return function(name)
        local process, steps = thread.main, 0
        while process and steps < 64 do
            local env = "\0" .. (process.env or "")
            if env:find("\0" .. name .. "=", 1, true) then return true end
            process, steps = threads.get(process.ptid), steps + 1
            process = process and process.main
        end
        return false
    end
end

-- Settle which container a thread is in; nil is the host.
function M.resolve(thread)
    local text = thread.cgroups
    thread.container = false
    if text == "" then return end
    local found = identified(text)
    local type, id, name = found.type, found.id, found.name
    if not id and text:find("/mesos/", 1, true) then
        type, id, name = mesos(paths_of(text), has_variable(thread))
    end
    if id then thread.container = containers.by_id[id] or bare(type, id, name) end
end

-- The same for the thread of an event, looked up again only when its cgroups are others than last time.
function M.container_of(thread)
    local text = thread.cgroups
    if thread.resolved ~= text then
        M.resolve(thread)
        thread.resolved = text
    end
    return thread.container or nil
end

return M

-- Health checks and probes of containers: a process is one when its command line is what the runtime was told to
-- run, or when it comes from such a process. What the container's first process starts is never one.
local ev = require("ev")
local ancestry = require("fields.ancestry")
local containers = require("state.containers")
local details = require("fields.container_details")

local F = {}

local INIT = 1
local KEYS = { healthcheck = "Healthcheck", liveness_probe = "LivenessProbe", readiness_probe = "ReadinessProbe" }

local function runs(thread, probe)
    if not probe or thread.exe ~= probe.exe then return false end
    local words = {}
    for _, word in ipairs(probe.args or {}) do words[#words + 1] = tostring(word) end
    return (thread.args or ""):gsub("%z+$", "") == table.concat(words, "\0")
end

-- Whether the process of the event or an ancestor in the container is the probe `key` of the container.
local function is_probe(key)
    local facts = details.of_container()
    local probe = facts and facts[key]
    if not probe then return false end
    local thread, container = ancestry.main_of(ev.thread), ev.container
    local found = false
    for _ = 1, ancestry.LIMIT do
        if not thread or (thread.container or containers.of_thread(thread)) ~= container then break end
        if thread.vpid == INIT then return false end
        found = found or runs(thread, probe)
        thread = ancestry.parent(thread)
    end
    return found
end

for name, key in pairs(KEYS) do
    F["proc.is_container_" .. name] = { get = function()
        if ev.thread.absent then return nil end
        return is_probe(key)
    end }
end

return { fields = F }

-- Fields of Kubernetes, Mesos and Marathon. A stream has no answers of their servers: what there is comes from the
-- labels that Kubernetes puts on its containers; the rest has no value.
local ev = require("ev")

local F = {}

local function nothing()
    return nil
end

local function no_value()
    return { get = nothing }
end

local function no_value_for_any()
    return { make = no_value }
end

for _, kind in ipairs({ "k8s.pod", "k8s.rc", "k8s.svc", "k8s.ns", "k8s.rs", "k8s.deployment", "mesos.task",
    "marathon.app" }) do
    F[kind .. ".name"], F[kind .. ".id"], F[kind .. ".labels"] = no_value(), no_value(), no_value()
    F[kind .. ".label"] = no_value_for_any()
end
for _, kind in ipairs({ "mesos.framework", "marathon.group" }) do
    F[kind .. ".name"], F[kind .. ".id"] = no_value(), no_value()
end

local function label(name)
    return { get = function()
        local container = ev.container
        return container and container.labels and container.labels[name] or nil
    end }
end

F["k8s.pod.name"] = label("io.kubernetes.pod.name")
F["k8s.pod.id"] = label("io.kubernetes.pod.uid")
F["k8s.ns.name"] = label("io.kubernetes.pod.namespace")

return { fields = F }

-- Fields of the container the event happened in; outside of any, id, name and type are `host` and the rest is empty.
local ev = require("ev")

local F = {}

-- A text of the container; "" is a text that is not known.
local function text(key, outside)
    return { get = function()
        local container = ev.container
        if not container then return not ev.thread.absent and outside or nil end
        local value = container[key]
        return value ~= "" and value or nil
    end }
end

F["container.id"] = text("id", "host")
F["container.name"] = text("name", "host")
F["container.type"] = text("type", "host")
F["container.image"] = text("image")
F["container.image.id"] = text("image_id")
F["container.image.repository"] = text("image_repo")
F["container.image.tag"] = text("image_tag")
F["container.image.digest"] = text("image_digest")

F["container.privileged"] = { get = function()
    local container = ev.container
    if not container then return nil end
    return container.privileged
end }

return { fields = F }

// `import Roost` is the whole house: what the rooms below show the user is shown again here.

@_exported public import RoostBridges
@_exported public import RoostContract
@_exported public import RoostEngine

// Who imports whom. SwiftPM lets a room import a module it does not declare as soon as another
// target has built it, so the walls between the rooms are checked here as well.

/// What is wrong with the imports of one file by the plan alone.
func importComplaints(path: String, swift: SwiftText?, imports: [Import]) -> [Complaint] {
  guard let swift, let room = FloorPlan.room(ofPath: path) else { return [] }
  var complaints: [Complaint] = []
  if let line = swift.brokenLine {
    complaints.append(
      Complaint(.layers, path, line, "a comment or string does not end", "source that can be read"))
  }
  let open = FloorPlan.modules(openTo: room)
  for found in imports {
    let module = found.module
    let says = "imports \(module)"
    if FloorPlan.room(ofModule: module) != nil {
      guard !open.contains(module) else { continue }
      let expected =
        open.isEmpty ? "nothing of the house" : "only \(open.joined(separator: ", ")) of the house"
      complaints.append(
        Complaint(.layers, path, found.line, says, "\(room.name) may import \(expected)"))
    } else if FloorPlan.systemModules.contains(module) {
      guard !FloorPlan.mayImport(system: module, room) else { continue }
      complaints.append(
        Complaint(.system, path, found.line, says, "only Files speaks to the operating system"))
    } else if FloorPlan.foundationModules.contains(module) {
      guard !FloorPlan.mayImportFoundation(room) else { continue }
      complaints.append(
        Complaint(
          .system, path, found.line, says, "only Bridges, CLI and the connectors may have it"))
    } else if !FloorPlan.standardModules.contains(module) {
      complaints.append(
        Complaint(
          .system, path, found.line, says, "a room of the plan or the standard library"))
    }
  }
  return complaints
}

/// The folders under `Sources` that are in no plan, once each.
func strangerComplaints(_ files: [HouseFile]) -> [Complaint] {
  var complaints: [Complaint] = []
  var seen: Set<String> = []
  for file in files
  where file.room == nil && file.path.hasPrefix("Sources/") {
    let parts = file.path.split(separator: "/").map(String.init)
    // Settings such as `Sources/.swift-format` belong to no room.
    if parts.count == 2 && parts[1].hasPrefix(".") { continue }
    let depth = parts[1] == "Connectors" ? 3 : 2
    let folder = parts.prefix(min(depth, parts.count - 1)).joined(separator: "/")
    guard seen.insert(folder).inserted else { continue }
    complaints.append(
      Complaint(
        .layers, file.path, 1, "\(folder) is not a room of the plan",
        "a line in Tests/TidyTests/FloorPlan.swift"))
  }
  return complaints
}

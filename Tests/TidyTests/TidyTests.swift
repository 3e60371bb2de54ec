// The house as it stands. Each check is a function of paths and texts; that each of them notices
// what it is for is shown by PlantedFaultTests on spoiled copies of this tree.

import Testing

@Suite("The house is tidy")
struct TidyTests {
  private func expectNone(_ check: Complaint.Check) {
    for complaint in House.checkout.complaints where complaint.check == check {
      Issue.record("\(complaint)")
    }
  }

  @Test("the checkout is found and has rooms")
  func checkoutIsFound() {
    #expect(House.checkout["Package.swift"] != nil)
    #expect(House.checkout["Tests/TidyTests/TidyTests.swift"] != nil)
    #expect(House.checkout.swiftRooms.contains { $0.name == "Contract" })
  }

  @Test("the plan has no circle: a room uses only rooms listed before it")
  func planHasNoCircle() {
    var before: Set<String> = []
    for room in FloorPlan.rooms {
      for used in room.uses {
        #expect(before.contains(used), "\(room.name) uses \(used)")
      }
      before.insert(room.name)
    }
    #expect(Set(FloorPlan.rooms.map(\.module)).count == FloorPlan.rooms.count)
  }

  @Test("every room imports and declares only what the plan lets it")
  func layers() { expectNone(.layers) }

  @Test("only the rooms at the edge import the system or Foundation")
  func system() { expectNone(.system) }

  @Test("nothing goes around the compiler's checks without a reason")
  func unsafe() { expectNone(.unsafe) }

  @Test("no unfinished work and no stray white space lie about")
  func leftovers() { expectNone(.leftovers) }

  @Test("every file is where it belongs and ties the project to no machine")
  func layout() { expectNone(.layout) }

  @Test("code in Sources is formatted like all other code, but never forces an optional")
  func formats() throws {
    let common = try #require(House.checkout[".swift-format"]?.text)
    let sources = try #require(House.checkout["Sources/.swift-format"]?.text)
    let rule = "\"NeverForceUnwrap\": "
    #expect(common.containsBytes(rule + "false"))
    #expect(sources.containsBytes(rule + "true"))
    #expect(
      sources.split(separator: "\n").filter { !$0.contains(rule) }
        == common.split(separator: "\n").filter { !$0.contains(rule) })
  }
}

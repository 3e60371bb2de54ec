import ContractSuite
import RoostContract
import Testing

@Suite("The model keeps the contract")
struct ModelLawTests {
  @Test("the model keeps every law", arguments: ContractSuite.laws)
  func whole(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest.whole)
  }

  @Test(
    "a model that can do less keeps every law, by refusing as it declares",
    arguments: ModelUnderTest.lesser, ContractSuite.laws)
  func lesser(_ model: ModelUnderTest, _ law: Law) async throws {
    try await law.run(on: model)
  }

  @Test("every law holds for a store that is asked in JSON", arguments: ContractSuite.laws)
  func written(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest.written)
  }

  @Test(
    "a model of every element type keeps the laws of elements and of ensuring",
    arguments: ContractSuite.laws.filter { law in
      ["element-", "declared-", "ensure-", "GV-0"].contains { law.id.hasPrefix($0) }
    })
  func wide(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest.wide)
  }

  @Test("every law has an id and a sentence of its own, and none of the contract's is missing")
  func wholeSuite() {
    let laws = ContractSuite.laws
    #expect(Set(laws.map(\.id)).count == laws.count)
    #expect(Set(laws.map(\.sentence)).count == laws.count)
    let numbers = Set(
      laws.compactMap { $0.id.hasPrefix("GV-") ? Int($0.id.dropFirst(3).prefix(3)) : nil })
    #expect(numbers == Set(1...158))
    print("laws: \(TruthTable.rows.count) rows of the recorded truth table, each a law")
    for (title, laws) in ContractSuite.chapters { print("laws: \(laws.count) \(title)") }
    print(
      "laws: \(laws.count) in all, GV-001 to GV-158 among them; run on the model and, where it can"
        + " do less, on \(ModelUnderTest.lesser.count) models")
  }
}

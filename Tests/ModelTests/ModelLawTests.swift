import ContractSuite
import RoostContract
import RoostModel
import Testing

/// The model as the suite sees it.
struct ModelUnderTest: StoreUnderTest {
  var name = "the model"
  var capabilities = ModelStore.everything

  func makeStore() async throws -> any VectorStore { ModelStore(capabilities: capabilities) }

  func plantOlderCollection(
    in store: any VectorStore, spec: CollectionSpec, hasMetadata: Bool, hasContent: Bool,
    records: [Record]
  ) async throws {
    let model = try #require(store as? ModelStore)
    model.plantOlderCollection(
      spec, hasMetadata: hasMetadata, hasContent: hasContent, records: records)
  }
}

@Suite("The model keeps the contract")
struct ModelLawTests {
  @Test("the model keeps every law", arguments: ContractSuite.laws)
  func model(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest())
  }
}

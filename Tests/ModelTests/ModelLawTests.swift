import ContractSuite
import RoostContract
import RoostModel
import Testing

/// The model as the suite sees it.
struct ModelUnderTest: StoreUnderTest {
  var name = "the model"
  var capabilities = ModelStore.everything

  /// A model that lacks every feature and all but one of each choice, and whose limits are small:
  /// what it cannot do it has to refuse as declared.
  static let restricted = ModelUnderTest(
    name: "the restricted model",
    capabilities: Capabilities(
      features: [], metrics: [.cosine], elements: [.f32], indexMethods: [.hnsw],
      dimensionMax: 100, indexedDimensionMax: 100, nameBytesMax: 48, idBytesMax: 64,
      metadataDepthMax: 8, contentBytesMax: 1_000, batchMax: 600, limitMax: 50))

  /// A model of every element type, with the other default: what `everything` leaves out.
  static let wide: ModelUnderTest = {
    var capabilities = ModelStore.everything
    capabilities.elements = Set(ElementType.allCases)
    capabilities.defaultMode = .autoMigrate
    return ModelUnderTest(name: "the wide model", capabilities: capabilities)
  }()

  /// A model that can do everything, in small portions.
  static let small: ModelUnderTest = {
    var capabilities = restricted.capabilities
    capabilities.features = ModelStore.everything.features
    capabilities.metrics = Set(Metric.allCases)
    return ModelUnderTest(name: "the small model", capabilities: capabilities)
  }()

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

  @Test("a model that can do little keeps every law by refusing", arguments: ContractSuite.laws)
  func restricted(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest.restricted)
  }

  @Test("a model of small limits keeps every law within them", arguments: ContractSuite.laws)
  func small(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest.small)
  }

  @Test(
    "a model of every element type keeps the laws of elements and of ensuring",
    arguments: ContractSuite.laws.filter { law in
      ["element-", "declared-", "ensure-", "GV-0"].contains { law.id.hasPrefix($0) }
    })
  func wide(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest.wide)
  }

  @Test("every law has an id and a sentence of its own")
  func distinctLaws() {
    let laws = ContractSuite.laws
    #expect(Set(laws.map(\.id)).count == laws.count)
    #expect(Set(laws.map(\.sentence)).count == laws.count)
  }
}

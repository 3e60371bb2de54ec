import ContractSuite
import RoostContract
import RoostModel
import Testing

/// The model with much held back: every law must then show the refusal that the capabilities
/// declare, and not simply pass over what is not there.
@Suite("A lesser model keeps the contract")
struct LesserModelTests {
  static let bare: Capabilities = {
    var few = ModelStore.everything
    few.features = []
    few.metrics = [.l2]
    few.elements = [.f32]
    few.indexMethods = []
    few.limitMax = 100
    return few
  }()

  /// As a Postgres with pgvector would declare itself.
  static let likePostgres: Capabilities = {
    var some = ModelStore.everything
    some.elements = [.f32]
    some.dimensionMax = 16_000
    some.indexedDimensionMax = 2_000
    return some
  }()

  static let onlyGraphs: Capabilities = {
    var some = ModelStore.everything
    some.features.subtract([.foreignMetricIndexes, .scroll])
    some.metrics = [.cosine, .innerProduct]
    some.indexMethods = [.hnsw]
    return some
  }()

  @Test("without features, with one metric and no index", arguments: ContractSuite.laws)
  func bare(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest(name: "the bare model", capabilities: Self.bare))
  }

  @Test("with the limits of a Postgres", arguments: ContractSuite.laws)
  func likePostgres(_ law: Law) async throws {
    try await law.run(
      on: ModelUnderTest(name: "the model like Postgres", capabilities: Self.likePostgres))
  }

  @Test("with one kind of index and two metrics", arguments: ContractSuite.laws)
  func onlyGraphs(_ law: Law) async throws {
    try await law.run(on: ModelUnderTest(name: "the graph model", capabilities: Self.onlyGraphs))
  }
}

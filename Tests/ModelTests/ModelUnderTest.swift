import ContractSuite
import RoostContract
import RoostModel
import Testing

/// The model as the suite sees it, with all it can do or with much held back.
struct ModelUnderTest: StoreUnderTest, CustomTestStringConvertible {
  var name: String
  var capabilities: Capabilities

  /// Whether all that goes in and out is put into JSON on the way.
  var isWritten = false

  var testDescription: String { name }

  func makeStore() async throws -> any VectorStore {
    let model = ModelStore(capabilities: capabilities)
    return isWritten ? WrittenStore(base: model) : model
  }

  func plantOlderCollection(
    in store: any VectorStore, spec: CollectionSpec, hasMetadata: Bool, hasContent: Bool,
    records: [Record]
  ) async throws {
    let below = (store as? WrittenStore<ModelStore>)?.base
    let model = try #require(below ?? store as? ModelStore)
    model.plantOlderCollection(
      spec, hasMetadata: hasMetadata, hasContent: hasContent, records: records)
  }
}

extension ModelUnderTest {
  /// The model as it is.
  static let whole = ModelUnderTest(name: "the model", capabilities: ModelStore.everything)

  /// The model behind a layer of JSON.
  ///
  /// Its limits are smaller: printing and reading batches of 100,000 records or vectors of 65,535
  /// numbers takes long and shows no more.
  static let written: ModelUnderTest = {
    var capabilities = ModelStore.everything
    capabilities.dimensionMax = 4_097
    capabilities.indexedDimensionMax = 4_097
    capabilities.batchMax = 2_000
    return ModelUnderTest(
      name: "the model asked in JSON", capabilities: capabilities, isWritten: true)
  }()

  /// Models that can do less.
  ///
  /// What they lack, every law must show them to refuse as declared; none of the laws may simply
  /// pass over it.
  static let lesser = [restricted, bare, small, likePostgres, onlyGraphs]

  /// Lacks every feature and all but one of each choice, within small limits.
  private static let restricted = ModelUnderTest(
    name: "the restricted model",
    capabilities: Capabilities(
      features: [], metrics: [.cosine], elements: [.f32], indexMethods: [.hnsw],
      dimensionMax: 100, indexedDimensionMax: 100, nameBytesMax: 48, idBytesMax: 64,
      metadataDepthMax: 8, contentBytesMax: 1_000, batchMax: 600, limitMax: 50))

  /// Has another metric, and no index at all.
  private static let bare = ModelUnderTest(
    name: "the bare model",
    capabilities: Capabilities(
      features: [], metrics: [.l2], elements: [.f32], indexMethods: [], limitMax: 100))

  /// Can do everything, in small portions.
  private static let small: ModelUnderTest = {
    var capabilities = restricted.capabilities
    capabilities.features = ModelStore.everything.features
    capabilities.metrics = Set(Metric.allCases)
    return ModelUnderTest(name: "the small model", capabilities: capabilities)
  }()

  /// Declares itself as a Postgres with pgvector would.
  private static let likePostgres: ModelUnderTest = {
    var capabilities = ModelStore.everything
    capabilities.elements = [.f32]
    capabilities.dimensionMax = 16_000
    capabilities.indexedDimensionMax = 2_000
    return ModelUnderTest(name: "the model like Postgres", capabilities: capabilities)
  }()

  private static let onlyGraphs: ModelUnderTest = {
    var capabilities = ModelStore.everything
    capabilities.features.subtract([.foreignMetricIndexes, .scroll])
    capabilities.metrics = [.cosine, .innerProduct]
    capabilities.indexMethods = [.hnsw]
    return ModelUnderTest(name: "the model of graphs", capabilities: capabilities)
  }()

  /// Takes every element type, with the other default mode: what the whole model leaves out.
  static let wide: ModelUnderTest = {
    var capabilities = ModelStore.everything
    capabilities.elements = Set(ElementType.allCases)
    capabilities.defaultMode = .autoMigrate
    return ModelUnderTest(name: "the wide model", capabilities: capabilities)
  }()
}

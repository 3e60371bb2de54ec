/// What a store can do: its features and its limits.
///
/// A store refuses what it does not declare with `.unsupported`, and what passes a limit with
/// `.tooLarge`. The contract suite holds it to both.
public struct Capabilities: Sendable, Equatable {
  /// A part of the contract that a store may lack.
  public enum Feature: String, Sendable, CaseIterable {
    /// Adds missing optional parts to an older collection.
    case autoMigrate = "auto_migrate"
    /// Deletes by filter.
    case deleteWhere = "delete_where"
    /// Reads all records in id order.
    case scroll
    /// Lists its collections.
    case listCollections = "list_collections"
    /// Keeps indexes over metadata.
    case metadataIndexes = "metadata_indexes"
    /// Keeps indexes whose metric is another than the collection's.
    case foreignMetricIndexes = "foreign_metric_indexes"
    /// Tells others what changed.
    case changeFeed = "change_feed"
    /// Keeps records when the process ends.
    case durable
  }

  /// The features that are there.
  public var features: Set<Feature>
  /// The metrics collections may have.
  public var metrics: Set<Metric>
  /// The precisions in which vectors may be kept.
  public var elements: Set<ElementType>
  /// The methods of vector index that can be built.
  public var indexMethods: Set<IndexMethod>
  /// The largest dimension of a collection.
  public var dimensionMax: Int
  /// The largest dimension that a vector index takes.
  public var indexedDimensionMax: Int
  /// The bytes of the longest collection name.
  public var nameBytesMax: Int
  /// The bytes of the longest id.
  public var idBytesMax: Int
  /// Containers within containers in metadata, the outermost included.
  public var metadataDepthMax: Int
  /// The bytes of the longest content.
  public var contentBytesMax: Int
  /// The records of the largest batch, which is always stored whole or not at all.
  public var batchMax: Int
  /// The largest number of hits of a search.
  public var limitMax: Int
  /// What a collection is ensured as when its spec names no mode.
  public var defaultMode: CollectionSpec.Mode

  /// Makes capabilities; what is not named is what Roost itself can do.
  public init(
    features: Set<Feature> = Set(Feature.allCases), metrics: Set<Metric> = Set(Metric.allCases),
    elements: Set<ElementType> = Set(ElementType.allCases),
    indexMethods: Set<IndexMethod> = Set(IndexMethod.allCases),
    dimensionMax: Int = Limits.dimensionMax, indexedDimensionMax: Int = Limits.dimensionMax,
    nameBytesMax: Int = Limits.nameBytesMax, idBytesMax: Int = Limits.idBytesMax,
    metadataDepthMax: Int = Value.depthMax, contentBytesMax: Int = Limits.contentBytesMax,
    batchMax: Int = Limits.batchMax, limitMax: Int = Limits.limitMax,
    defaultMode: CollectionSpec.Mode = .strict
  ) {
    self.features = features
    self.metrics = metrics
    self.elements = elements
    self.indexMethods = indexMethods
    self.dimensionMax = dimensionMax
    self.indexedDimensionMax = indexedDimensionMax
    self.nameBytesMax = nameBytesMax
    self.idBytesMax = idBytesMax
    self.metadataDepthMax = metadataDepthMax
    self.contentBytesMax = contentBytesMax
    self.batchMax = batchMax
    self.limitMax = limitMax
    self.defaultMode = defaultMode
  }
}

/// The limits of the contract itself; a store may declare smaller ones, never larger.
public enum Limits {
  /// A dimension fits sixteen bits on disk and in every peer we mirror to.
  public static let dimensionMax = 65_535
  /// A collection's name is shown in messages and listings; a page of text is no name.
  public static let nameBytesMax = 1_024
  /// An id is kept in memory for every record.
  public static let idBytesMax = 1_024
  /// A content goes into one log record together with its vector.
  public static let contentBytesMax = 16 << 20
  /// A batch is held in memory twice while it is written.
  public static let batchMax = 1_000_000
  /// The hits of one search are held in memory.
  public static let limitMax = 1_000_000
  /// Conditions inside conditions in a filter.
  public static let filterDepthMax = 64
  /// Conditions in a filter, inner ones included.
  public static let filterNodesMax = 16_384
  /// Values in all the `in` lists of a filter.
  public static let filterValuesMax = 65_536
  /// Bytes of a filter as text or JSON.
  public static let filterBytesMax = 4 << 20
  /// Segments of a metadata path.
  public static let pathSegmentsMax = 64
}

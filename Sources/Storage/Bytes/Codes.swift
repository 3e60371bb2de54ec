package import RoostContract

// What the contract calls by name is a number in a file. The numbers are fixed here, whatever the
// order in which the contract lists its names.

extension ElementType {
  /// The number that stands for it in files.
  package var code: UInt8 {
    switch self {
    case .f32: 1
    case .f16: 2
    case .bf16: 3
    case .i8: 4
    }
  }

  /// The bytes of one number of a vector.
  package var byteCount: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .i8: 1
    }
  }
}

extension Metric {
  /// The number that stands for it in files.
  package var code: UInt8 {
    switch self {
    case .cosine: 1
    case .l2: 2
    case .innerProduct: 3
    }
  }
}

extension CollectionSpec.Mode {
  /// The number that stands for it in files, where 0 is no mode.
  package var code: UInt8 {
    switch self {
    case .strict: 1
    case .autoMigrate: 2
    }
  }
}

extension ByteReader {
  /// The element type of the next byte.
  package mutating func element() throws(StorageError) -> ElementType {
    let code = try u8()
    guard let element = ElementType.allCases.first(where: { $0.code == code }) else {
      throw damaged(.value, found: UInt64(code))
    }
    return element
  }

  /// The metric of the next byte.
  package mutating func metric() throws(StorageError) -> Metric {
    let code = try u8()
    guard let metric = Metric.allCases.first(where: { $0.code == code }) else {
      throw damaged(.value, found: UInt64(code))
    }
    return metric
  }

  /// The mode of the next byte; nil for 0.
  package mutating func mode() throws(StorageError) -> CollectionSpec.Mode? {
    let code = try u8()
    guard code != 0 else { return nil }
    guard let mode = CollectionSpec.Mode.allCases.first(where: { $0.code == code }) else {
      throw damaged(.value, found: UInt64(code))
    }
    return mode
  }
}

import Foundation
import RoostContract

/// Real records to write: those of `Benchmarks/Samples`, taken again and again under new ids.
struct SampleRecords {
  private let samples: [Record]
  let dimension: Int

  /// Vectors are cut to `dimension` numbers.
  init(dimension: Int) throws {
    let path = "Benchmarks/Samples/wordnet.jsonl"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    samples = try text.split(separator: "\n").map { line in
      var record = try Record(json: String(line))
      record.vector = record.vector.map { Array($0.prefix(dimension)) }
      return record
    }
    self.dimension = dimension
  }

  /// The record of this number.
  func record(_ number: Int) -> Record {
    var record = samples[number % samples.count]
    record.id = "record-\(number)"
    return record
  }

  func records(_ numbers: Range<Int>) -> [Record] { numbers.map(record) }

  /// The vectors as 32-bit numbers, one sample after the other.
  var bytes: Data {
    var data = Data()
    for sample in samples {
      for number in sample.vector ?? [] {
        var bits = number.bitPattern.littleEndian
        unsafe withUnsafeBytes(of: &bits) { unsafe data.append(contentsOf: $0) }
      }
    }
    return data
  }
}

internal import RoostContract
internal import RoostFiles
package import RoostKernels

extension SegmentReader {
  /// Makes sure that the vector of a row is what was written.
  @inline(__always)
  package func touchVector(of row: Int) throws(StorageError) {
    try checkRow(row)
    try touch(section(.vectors).offset + row * stride, stride)
  }

  /// Has a row's vector fetched from memory.
  package func expectVector(of row: Int) {
    guard row >= 0, row < rowCount else { return }
    bytes.expect(at: section(.vectors).offset + row * stride, count: min(stride, 4_096))
  }

  /// Lends the vectors of all rows; only those that were touched before may be looked at.
  package func withVectors<R>(_ body: (VectorMatrix) -> R) throws(StorageError) -> R {
    let place = section(.vectors)
    let result = unsafe bytes.withBytes(at: place.offset, count: rowCount * stride) { buffer in
      unsafe buffer.baseAddress.map { base in
        unsafe body(
          VectorMatrix(
            base: base, count: rowCount, dimension: dimension, element: .init(element),
            stride: stride))
      }
    }
    guard let result, let result else { throw damaged(.range, place.offset) }
    return result
  }
}

extension VectorMatrix.Element {
  /// The element of a kernel that is the element of a collection.
  init(_ element: ElementType) {
    switch element {
    case .f32: self = .f32
    case .f16: self = .f16
    case .bf16: self = .bf16
    case .i8: self = .i8
    }
  }
}

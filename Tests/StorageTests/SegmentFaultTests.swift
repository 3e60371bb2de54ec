import ContractSuite
import RoostContract
import RoostFiles
import RoostStorage
import Testing

@Suite("Segments on a disk that fails")
struct SegmentFaultTests {
  private static let records: [StoredRecord] = {
    var random = SeededGenerator(seed: 6)
    return (0..<900).map { RandomRecords.record(&random, id: "\($0)", dimension: 400) }
  }()

  @Test("are synced before they are read back from the disk, and read back before they count")
  func order() throws {
    let disk = HeapDirectory()
    _ = try SegmentBed.write(Self.records, 400, to: disk)
    let name = SegmentBed.name
    let last = disk.events.suffix(3)
    #expect(Array(last) == ["write " + name, "sync " + name, "forget " + name])
  }

  @Test("say what the disk said")
  func refusals() throws {
    for (event, operation) in [
      ("create", FileError.Operation.create), ("write", .write), ("sync", .sync),
    ] {
      let disk = HeapDirectory()
      disk.failures["\(event) \(SegmentBed.name)"] = 28
      #expect(throws: StorageError.file(FileError(operation, 28), .segment(3))) {
        try SegmentBed.write(Self.records, 400, to: disk)
      }
    }
  }

  @Test("do not count when any write went elsewhere or not at all, though the disk said nothing")
  func lies() throws {
    func write(_ faults: [Fault]) throws -> SegmentEntry? {
      let system = SimulatedFileSystem(seed: 1, watching: true)
      let directory = try system.openDirectory("/store", creating: true)
      system.inject(faults)
      do throws(StorageError) {
        return try SegmentBed.write(Self.records, 400, to: directory)
      } catch {
        guard case .format = error else { throw error }
        return nil
      }
    }
    #expect(try write([]) != nil)
    // Four writes make this segment: full buffers of vectors, what is left of them, the rest of the
    // sections, and the checksums.
    for call in 0..<4 {
      for distance in [512, 4096, 65_536] {
        let fault = Fault(.misdirectedWrite(by: distance), at: call, of: [.write])
        #expect(try write([fault]) == nil, "write \(call) by \(distance)")
      }
    }
    #expect(try write([Fault(.misdirectedWrite(by: 512), at: 4, of: [.write])]) != nil)
  }
}

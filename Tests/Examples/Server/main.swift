// Roost inside a process that runs for long and answers many at once: a small HTTP server on
// this machine alone.
//
//   example-server STORE DIMENSION        prints the port that it listens on
//
//   POST /records    lines of JSON such as {"id":"a","vector":[1,2],"metadata":{…}}
//   POST /search     {"vector":[1,2],"limit":3,"options":{"filter":{…}}}
//   GET /health      whether the store is well
//
// Every connection has a thread, asks once, and may take only so long and so many bytes. Searches
// run beside each other and beside writes; writes that come together share a sync of the disk.
// SIGTERM and SIGINT end it once all that was asked is answered.

import Foundation
import Roost
import Synchronization

/// How much a client may ask for.
enum Bounds {
  static let connections = 64
  static let headBytes = 16 << 10
  static let bodyBytes = 8 << 20
  static let seconds = 10
}

/// What goes back to a client.
struct Answer {
  var status: String
  var body: String
}

/// The one collection that is served.
final class Service: Sendable {
  private let store: Store
  private let records: StoreCollection

  init(path: String, dimension: Int) throws {
    // Who is answered may rely on it: a write is acknowledged after a sync that it shares.
    store = try Store.open(
      at: path, options: Store.Options(durability: .group(maxDelay: .milliseconds(2))))
    records = try store.ensureCollection(CollectionSpec(name: "records", dimension: dimension))
  }

  func close() throws { try store.close() }

  /// Answers a request; what the store refuses is the client's to mend, other errors are ours.
  func answer(_ call: String, _ body: [UInt8]) -> Answer {
    do {
      switch call {
      case "POST /records": return Answer(status: "200 OK", body: try upsert(body))
      case "POST /search": return Answer(status: "200 OK", body: try search(body))
      case "GET /health":
        let health = store.health()
        return Answer(
          status: health.state == .healthy ? "200 OK" : "503 Service Unavailable",
          body: Value.object(["state": .string(health.state.rawValue)]).json)
      default: return Answer(status: "404 Not Found", body: "{\"code\":\"no_such_call\"}")
      }
    } catch let error as StoreError {
      let ours: [StoreError.Code] = [.io, .diskFull, .corrupted, .closed, .indeterminate]
      let status = ours.contains(error.code) ? "503 Service Unavailable" : "400 Bad Request"
      return Answer(status: status, body: error.json)
    } catch {
      return Answer(status: "500 Internal Server Error", body: "{\"code\":\"unknown\"}")
    }
  }

  /// Stores all records of a request or none of them.
  private func upsert(_ body: [UInt8]) throws -> String {
    let batch = try body.split(separator: UInt8(ascii: "\n")).map { try Record(json: $0) }
    try records.upsert(batch)
    return "{\"stored\":\(batch.count)}"
  }

  private func search(_ body: [UInt8]) throws -> String {
    guard case .object(let form) = try Value(json: body), case .array(let numbers)? = form["vector"]
    else {
      throw StoreError(
        .invalidArgument, found: "the request has no vector", expected: "{\"vector\":[1,2]}",
        remedy: "Give one")
    }
    let vector = numbers.compactMap { $0.doubleValue.map { Float($0) } }
    let limit = min(1_000, Int(form["limit"]?.integerValue ?? 10))
    let options = form["options"]?.json ?? "{}"
    let query = try SearchQuery(near: vector, limit: limit, optionsJSON: options)
    let hits = try records.search([query])[0].map { hit in
      "{\"distance\":\(Value.double(hit.distance).json),\"record\":\(hit.record.json)}"
    }
    return "{\"hits\":[\(hits.joined(separator: ","))]}"
  }
}

/// A connection: a request comes in, an answer goes out.
struct Connection {
  let socket: Int32

  /// Reads a request, answers it and hangs up.
  func serve(_ service: Service) {
    defer { close(socket) }
    var patience = timeval(tv_sec: Bounds.seconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
    let answer: Answer
    switch request() {
    case .success(let request): answer = service.answer(request.call, request.body)
    case .failure(let refusal): answer = Answer(status: refusal.status, body: "{}")
    }
    let body = Array(answer.body.utf8)
    let head =
      "HTTP/1.1 \(answer.status)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    send(Array(head.utf8) + body)
  }

  private struct Refusal: Error {
    let status: String
  }

  private func request() -> Result<(call: String, body: [UInt8]), Refusal> {
    let deadline = ContinuousClock.now + .seconds(Bounds.seconds)
    let mark = Array("\r\n\r\n".utf8)
    var bytes: [UInt8] = []
    var headEnd: Int?
    var length = 0
    while headEnd.map({ bytes.count < $0 + length }) ?? true {
      guard ContinuousClock.now < deadline, let more = receive(), !more.isEmpty else {
        return .failure(Refusal(status: "408 Request Timeout"))
      }
      bytes += more
      guard headEnd == nil else { continue }
      headEnd = bytes.firstRange(of: mark)?.upperBound
      guard headEnd ?? bytes.count <= Bounds.headBytes else {
        return .failure(Refusal(status: "431 Request Header Fields Too Large"))
      }
      guard let headEnd else { continue }
      guard let declared = Self.length(bytes[..<headEnd]) else {
        return .failure(Refusal(status: "400 Bad Request"))
      }
      guard declared <= Bounds.bodyBytes else {
        return .failure(Refusal(status: "413 Content Too Large"))
      }
      length = declared
    }
    let headBytes = bytes[..<(headEnd ?? 0)]
    let words = String(decoding: headBytes, as: UTF8.self).split(separator: " ", maxSplits: 2)
    guard words.count == 3 else { return .failure(Refusal(status: "400 Bad Request")) }
    return .success(("\(words[0]) \(words[1])", Array(bytes[headBytes.endIndex...].prefix(length))))
  }

  /// The length of the body that the head declares; nil when it is no number.
  private static func length(_ head: ArraySlice<UInt8>) -> Int? {
    for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
      return Int(parts[1].trimmingCharacters(in: .whitespaces)).flatMap { $0 >= 0 ? $0 : nil }
    }
    return 0
  }

  private func receive() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(socket, &buffer, buffer.count, 0)
    return count >= 0 ? Array(buffer.prefix(count)) : nil
  }

  private func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) }
      // Who asked may be gone; there is nobody left to tell that.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

/// Takes connections until it is told to end.
final class Server: Sendable {
  private let service: Service
  private let listener: Int32
  private let open = Mutex(0)
  private let isEnding = Mutex(false)

  let port: UInt16

  init(_ service: Service) throws {
    self.service = service
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let listener = socket(AF_INET, kind, 0)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        listener >= 0 && bind(listener, pointer, size) == 0 && listen(listener, 128) == 0
          && getsockname(listener, pointer, &size) == 0
      }
    }
    guard isListening else {
      throw StoreError(
        .unavailable, found: "no port can be listened on (error \(errno))",
        expected: "a free port of this machine", remedy: "Look at what else runs here")
    }
    self.listener = listener
    port = UInt16(bigEndian: address.sin_port)
  }

  func run() {
    while !isEnding.withLock({ $0 }) {
      var request = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
      guard poll(&request, 1, 100) == 1 else { continue }
      let socket = accept(listener, nil, nil)
      guard socket >= 0 else { continue }
      let isTaken = open.withLock { open in
        guard open < Bounds.connections else { return false }
        open += 1
        return true
      }
      guard isTaken else {
        close(socket)
        continue
      }
      Thread.detachNewThread { [self] in
        Connection(socket: socket).serve(service)
        open.withLock { $0 -= 1 }
      }
    }
    close(listener)
    while open.withLock({ $0 }) > 0 { Thread.sleep(forTimeInterval: 0.01) }
  }

  func end() { isEnding.withLock { $0 = true } }
}

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 2, let dimension = Int(words[1]) else {
  print("usage: example-server STORE DIMENSION")
  exit(2)
}
// The signals are kept from every thread, and one waits for them: nothing runs inside a handler.
var signals = sigset_t()
sigemptyset(&signals)
for signal in [SIGTERM, SIGINT] { sigaddset(&signals, signal) }
pthread_sigmask(SIG_BLOCK, &signals, nil)
signal(SIGPIPE, SIG_IGN)
do {
  let service = try Service(path: words[0], dimension: dimension)
  let server = try Server(service)
  print("listening on port \(server.port)")
  fflush(nil)
  let waiting = signals
  Thread.detachNewThread {
    var set = waiting
    var number: Int32 = 0
    sigwait(&set, &number)
    server.end()
  }
  server.run()
  try service.close()
  print("ended, with everything answered")
} catch {
  print("example-server: \(error)")
  exit(1)
}

// This room is empty unless the trait `Postgres` is on: `import Roost` must not need libpq.
#if Postgres
  internal import CPostgres

  /// The client library that this build speaks to Postgres with.
  public enum PostgresLibrary {
    /// The version of libpq, such as `15.8`.
    public static var version: String {
      let number = PQlibVersion()
      return "\(number / 10_000).\(number % 10_000)"
    }
  }
#endif

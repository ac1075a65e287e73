/** One PostgreSQL parameter that a DB parameter group may set. */
export interface ParameterDefinition {
  readonly name: string
  /** `static` parameters take effect at the next reboot. */
  readonly applyType: 'static' | 'dynamic'
  readonly dataType: 'boolean' | 'integer' | 'float' | 'list' | 'string'
  readonly range?: { readonly min: number; readonly max: number }
  readonly values?: readonly string[]
  /** The first major version that knows it, when that is not all of them. */
  readonly sinceMajor: number
  readonly description: string
}

/**
 * The parameters of a family, by name: `name apply-type data-type allowed since description`. A colon parts the
 * ends of a range, a tilde stands for a space.
 *
 * It is an allow-list. What could break the region's hold on an instance (addresses, files, commands, libraries,
 * `fsync`, archiving, authentication) is not in it and is refused.
 * Source: `pg_settings` of PostgreSQL 18 and 15; apply types as on RDS.
 */
const TABLE = `
authentication_timeout                dynamic integer 1:600                    -  (s) Sets the maximum allowed time to complete client authentication.
autovacuum                            dynamic boolean 0,1                      -  Starts the autovacuum subprocess.
autovacuum_analyze_scale_factor       dynamic float   0:100                    -  Number of tuple inserts, updates, or deletes prior to analyze as a fraction of reltuples.
autovacuum_analyze_threshold          dynamic integer 0:2147483647             -  Minimum number of tuple inserts, updates, or deletes prior to analyze.
autovacuum_freeze_max_age             static  integer 100000:2000000000        -  Age at which to autovacuum a table to prevent transaction ID wraparound.
autovacuum_max_workers                static  integer 1:262143                 -  Sets the maximum number of simultaneously running autovacuum worker processes.
autovacuum_naptime                    dynamic integer 1:2147483                -  (s) Time to sleep between autovacuum runs.
autovacuum_vacuum_cost_delay          dynamic float   -1:100                   -  (ms) Vacuum cost delay in milliseconds, for autovacuum.
autovacuum_vacuum_cost_limit          dynamic integer -1:10000                 -  Vacuum cost amount available before napping, for autovacuum.
autovacuum_vacuum_insert_scale_factor dynamic float   0:100                    -  Number of tuple inserts prior to vacuum as a fraction of reltuples.
autovacuum_vacuum_insert_threshold    dynamic integer -1:2147483647            -  Minimum number of tuple inserts prior to vacuum.
autovacuum_vacuum_scale_factor        dynamic float   0:100                    -  Number of tuple updates or deletes prior to vacuum as a fraction of reltuples.
autovacuum_vacuum_threshold           dynamic integer 0:2147483647             -  Minimum number of tuple updates or deletes prior to vacuum.
autovacuum_work_mem                   dynamic integer -1:2147483647            -  (kB) Sets the maximum memory to be used by each autovacuum worker process.
backend_flush_after                   dynamic integer 0:256                    -  (8kB) Number of pages after which previously performed writes are flushed to disk.
bgwriter_delay                        dynamic integer 10:10000                 -  (ms) Background writer sleep time between rounds.
bgwriter_lru_maxpages                 dynamic integer 0:1073741823             -  Background writer maximum number of LRU pages to flush per round.
bgwriter_lru_multiplier               dynamic float   0:10                     -  Multiple of the average buffer usage to free per round.
bytea_output                          dynamic list    escape,hex               -  Sets the output format for bytea.
check_function_bodies                 dynamic boolean 0,1                      -  Check routine bodies during CREATE FUNCTION and CREATE PROCEDURE.
checkpoint_completion_target          dynamic float   0:1                      -  Time spent flushing dirty buffers during checkpoint, as fraction of checkpoint interval.
checkpoint_timeout                    dynamic integer 30:86400                 -  (s) Sets the maximum time between automatic WAL checkpoints.
checkpoint_warning                    dynamic integer 0:2147483647             -  (s) Sets the maximum time before warning if checkpoints triggered by WAL volume happen too frequently.
client_min_messages                   dynamic list    debug5,debug4,debug3,debug2,debug1,log,notice,warning,error -  Sets the message levels that are sent to the client.
commit_delay                          dynamic integer 0:100000                 -  Sets the delay in microseconds between transaction commit and flushing WAL to disk.
commit_siblings                       dynamic integer 0:1000                   -  Sets the minimum number of concurrent open transactions required before performing "commit_delay".
constraint_exclusion                  dynamic list    partition,on,off         -  Enables the planner to use constraints to optimize queries.
cpu_index_tuple_cost                  dynamic float   0:1.79769e+308           -  Sets the planner's estimate of the cost of processing each index entry during an index scan.
cpu_operator_cost                     dynamic float   0:1.79769e+308           -  Sets the planner's estimate of the cost of processing each operator or function call.
cpu_tuple_cost                        dynamic float   0:1.79769e+308           -  Sets the planner's estimate of the cost of processing each tuple (row).
cursor_tuple_fraction                 dynamic float   0:1                      -  Sets the planner's estimate of the fraction of a cursor's rows that will be retrieved.
deadlock_timeout                      dynamic integer 1:2147483647             -  (ms) Sets the time to wait on a lock before checking for deadlock.
default_statistics_target             dynamic integer 1:10000                  -  Sets the default statistics target.
default_transaction_deferrable        dynamic boolean 0,1                      -  Sets the default deferrable status of new transactions.
default_transaction_isolation         dynamic list    serializable,repeatable~read,read~committed,read~uncommitted -  Sets the transaction isolation level of each new transaction.
default_transaction_read_only         dynamic boolean 0,1                      -  Sets the default read-only status of new transactions.
effective_cache_size                  dynamic integer 1:2147483647             -  (8kB) Sets the planner's assumption about the total size of the data caches.
effective_io_concurrency              dynamic integer 0:1000                   -  Number of simultaneous requests that can be handled efficiently by the disk subsystem.
enable_bitmapscan                     dynamic boolean 0,1                      -  Enables the planner's use of bitmap-scan plans.
enable_hashagg                        dynamic boolean 0,1                      -  Enables the planner's use of hashed aggregation plans.
enable_hashjoin                       dynamic boolean 0,1                      -  Enables the planner's use of hash join plans.
enable_indexonlyscan                  dynamic boolean 0,1                      -  Enables the planner's use of index-only-scan plans.
enable_indexscan                      dynamic boolean 0,1                      -  Enables the planner's use of index-scan plans.
enable_material                       dynamic boolean 0,1                      -  Enables the planner's use of materialization.
enable_memoize                        dynamic boolean 0,1                      -  Enables the planner's use of memoization.
enable_mergejoin                      dynamic boolean 0,1                      -  Enables the planner's use of merge join plans.
enable_nestloop                       dynamic boolean 0,1                      -  Enables the planner's use of nested-loop join plans.
enable_partitionwise_aggregate        dynamic boolean 0,1                      -  Enables partitionwise aggregation and grouping.
enable_partitionwise_join             dynamic boolean 0,1                      -  Enables partitionwise join.
enable_seqscan                        dynamic boolean 0,1                      -  Enables the planner's use of sequential-scan plans.
enable_sort                           dynamic boolean 0,1                      -  Enables the planner's use of explicit sort steps.
enable_tidscan                        dynamic boolean 0,1                      -  Enables the planner's use of TID scan plans.
extra_float_digits                    dynamic integer -15:3                    -  Sets the number of digits displayed for floating-point values.
from_collapse_limit                   dynamic integer 1:2147483647             -  Sets the FROM-list size beyond which subqueries are not collapsed.
geqo                                  dynamic boolean 0,1                      -  Enables genetic query optimization.
geqo_threshold                        dynamic integer 2:2147483647             -  Sets the threshold of FROM items beyond which GEQO is used.
gin_fuzzy_search_limit                dynamic integer 0:2147483647             -  Sets the maximum allowed result for exact search by GIN.
gin_pending_list_limit                dynamic integer 64:2147483647            -  (kB) Sets the maximum size of the pending list for GIN index.
hash_mem_multiplier                   dynamic float   1:1000                   -  Multiple of "work_mem" to use for hash tables.
idle_in_transaction_session_timeout   dynamic integer 0:2147483647             -  (ms) Sets the maximum allowed idle time between queries, when in a transaction.
idle_session_timeout                  dynamic integer 0:2147483647             -  (ms) Sets the maximum allowed idle time between queries, when not in a transaction.
intervalstyle                         dynamic list    postgres,postgres_verbose,sql_standard,iso_8601 -  Sets the display format for interval values.
jit                                   dynamic boolean 0,1                      -  Allow JIT compilation.
join_collapse_limit                   dynamic integer 1:2147483647             -  Sets the FROM-list size beyond which JOIN constructs are not flattened.
lock_timeout                          dynamic integer 0:2147483647             -  (ms) Sets the maximum allowed duration of any wait for a lock.
lifeboat.synchronous_replicas         dynamic integer 0:15                     -  Number of read replicas in other regions that must have a commit on disk before it is acknowledged. Not a parameter of AWS.
log_autovacuum_min_duration           dynamic integer -1:2147483647            -  (ms) Sets the minimum execution time above which autovacuum actions will be logged.
log_checkpoints                       dynamic boolean 0,1                      -  Logs each checkpoint.
log_connections                       dynamic boolean 0,1                      -  Logs specified aspects of connection establishment and setup.
log_disconnections                    dynamic boolean 0,1                      -  Logs end of a session, including duration.
log_duration                          dynamic boolean 0,1                      -  Logs the duration of each completed SQL statement.
log_error_verbosity                   dynamic list    terse,default,verbose    -  Sets the verbosity of logged messages.
log_hostname                          dynamic boolean 0,1                      -  Logs the host name in the connection logs.
log_lock_waits                        dynamic boolean 0,1                      -  Logs long lock waits.
log_min_duration_sample               dynamic integer -1:2147483647            -  (ms) Sets the minimum execution time above which a sample of statements will be logged. Sampling is determined by "log_statement_sample_rate".
log_min_duration_statement            dynamic integer -1:2147483647            -  (ms) Sets the minimum execution time above which all statements will be logged.
log_min_error_statement               dynamic list    debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic -  Causes all statements generating error at or above this level to be logged.
log_min_messages                      dynamic list    debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic -  Sets the message levels that are logged.
log_parameter_max_length              dynamic integer -1:1073741823            -  (B) Sets the maximum length in bytes of data logged for bind parameter values when logging statements.
log_statement                         dynamic list    none,ddl,mod,all         -  Sets the type of statements logged.
log_statement_sample_rate             dynamic float   0:1                      -  Fraction of statements exceeding "log_min_duration_sample" to be logged.
log_temp_files                        dynamic integer -1:2147483647            -  (kB) Log the use of temporary files larger than this number of kilobytes.
logical_decoding_work_mem             dynamic integer 64:2147483647            -  (kB) Sets the maximum memory to be used for logical decoding.
maintenance_io_concurrency            dynamic integer 0:1000                   -  A variant of "effective_io_concurrency" that is used for maintenance work.
maintenance_work_mem                  dynamic integer 64:2147483647            -  (kB) Sets the maximum memory to be used for maintenance operations.
max_connections                       static  integer 1:262143                 -  Sets the maximum number of concurrent connections.
max_locks_per_transaction             static  integer 10:2147483647            -  Sets the maximum number of locks per transaction.
max_logical_replication_workers       static  integer 0:262143                 -  Maximum number of logical replication worker processes.
max_parallel_maintenance_workers      dynamic integer 0:1024                   -  Sets the maximum number of parallel processes per maintenance operation.
max_parallel_workers                  dynamic integer 0:1024                   -  Sets the maximum number of parallel workers that can be active at one time.
max_parallel_workers_per_gather       dynamic integer 0:1024                   -  Sets the maximum number of parallel processes per executor node.
max_pred_locks_per_transaction        static  integer 10:2147483647            -  Sets the maximum number of predicate locks per transaction.
max_prepared_transactions             static  integer 0:262143                 -  Sets the maximum number of simultaneously prepared transactions.
max_slot_wal_keep_size                dynamic integer -1:2147483647            -  (MB) Sets the maximum WAL size that can be reserved by replication slots.
max_standby_archive_delay             dynamic integer -1:2147483647            -  (ms) Sets the maximum delay before canceling queries when a hot standby server is processing archived WAL data.
max_standby_streaming_delay           dynamic integer -1:2147483647            -  (ms) Sets the maximum delay before canceling queries when a hot standby server is processing streamed WAL data.
max_wal_size                          dynamic integer 2:2147483647             -  (MB) Sets the WAL size that triggers a checkpoint.
max_worker_processes                  static  integer 0:262143                 -  Maximum number of concurrent worker processes.
min_parallel_index_scan_size          dynamic integer 0:715827882              -  (8kB) Sets the minimum amount of index data for a parallel scan.
min_parallel_table_scan_size          dynamic integer 0:715827882              -  (8kB) Sets the minimum amount of table data for a parallel scan.
min_wal_size                          dynamic integer 2:2147483647             -  (MB) Sets the minimum size to shrink the WAL to.
plan_cache_mode                       dynamic list    auto,force_generic_plan,force_custom_plan -  Controls the planner's selection of custom or generic plan.
quote_all_identifiers                 dynamic boolean 0,1                      -  When generating SQL fragments, quote all identifiers.
random_page_cost                      dynamic float   0:1.79769e+308           -  Sets the planner's estimate of the cost of a nonsequentially fetched disk page.
rds.force_ssl                         dynamic boolean 0                        -  Force SSL connections.
rds.logical_replication               static  boolean 0,1                      -  Enables logical decoding.
row_security                          dynamic boolean 0,1                      -  Enables row security.
seq_page_cost                         dynamic float   0:1.79769e+308           -  Sets the planner's estimate of the cost of a sequentially fetched disk page.
session_replication_role              dynamic list    origin,replica,local     -  Sets the session's behavior for triggers and rewrite rules.
shared_buffers                        static  integer 16:1073741823            -  (8kB) Sets the number of shared memory buffers used by the server.
statement_timeout                     dynamic integer 0:2147483647             -  (ms) Sets the maximum allowed duration of any statement.
synchronize_seqscans                  dynamic boolean 0,1                      -  Enables synchronized sequential scans.
synchronous_commit                    dynamic list    local,remote_write,remote_apply,on,off -  Sets the current transaction's synchronization level.
tcp_keepalives_count                  dynamic integer 0:2147483647             -  Maximum number of TCP keepalive retransmits.
tcp_keepalives_idle                   dynamic integer 0:2147483647             -  (s) Time between issuing TCP keepalives.
tcp_keepalives_interval               dynamic integer 0:2147483647             -  (s) Time between TCP keepalive retransmits.
temp_buffers                          dynamic integer 100:1073741823           -  (8kB) Sets the maximum number of temporary buffers used by each session.
temp_file_limit                       dynamic integer -1:2147483647            -  (kB) Limits the total size of all temporary files used by each process.
timezone                              dynamic string  -                        -  Sets the time zone for displaying and interpreting time stamps.
track_activities                      dynamic boolean 0,1                      -  Collects information about executing commands.
track_activity_query_size             static  integer 100:1048576              -  (B) Sets the size reserved for pg_stat_activity.query, in bytes.
track_commit_timestamp                static  boolean 0,1                      -  Collects transaction commit time.
track_counts                          dynamic boolean 0,1                      -  Collects statistics on database activity.
track_functions                       dynamic list    none,pl,all              -  Collects function-level statistics on database activity.
track_io_timing                       dynamic boolean 0,1                      -  Collects timing statistics for database I/O activity.
track_wal_io_timing                   dynamic boolean 0,1                      -  Collects timing statistics for WAL I/O activity.
transaction_timeout                   dynamic integer 0:2147483647             17 (ms) Sets the maximum allowed duration of any transaction within a session (not a prepared transaction).
vacuum_cost_delay                     dynamic float   0:100                    -  (ms) Vacuum cost delay in milliseconds.
vacuum_cost_limit                     dynamic integer 1:10000                  -  Vacuum cost amount available before napping.
vacuum_cost_page_dirty                dynamic integer 0:10000                  -  Vacuum cost for a page dirtied by vacuum.
vacuum_cost_page_hit                  dynamic integer 0:10000                  -  Vacuum cost for a page found in the buffer cache.
vacuum_cost_page_miss                 dynamic integer 0:10000                  -  Vacuum cost for a page not found in the buffer cache.
vacuum_failsafe_age                   dynamic integer 0:2100000000             -  Age at which VACUUM should trigger failsafe to avoid a wraparound outage.
vacuum_freeze_min_age                 dynamic integer 0:1000000000             -  Minimum age at which VACUUM should freeze a table row.
vacuum_freeze_table_age               dynamic integer 0:2000000000             -  Age at which VACUUM should scan whole table to freeze tuples.
vacuum_multixact_freeze_min_age       dynamic integer 0:1000000000             -  Minimum age at which VACUUM should freeze a MultiXactId in a table row.
wal_buffers                           static  integer -1:262143                -  (8kB) Sets the number of disk-page buffers in shared memory for WAL.
wal_compression                       dynamic list    pglz,on,off              -  Compresses full-page writes written in WAL file with specified method.
wal_receiver_timeout                  dynamic integer 0:2147483647             -  (ms) Sets the maximum wait time to receive data from the sending server.
wal_writer_delay                      dynamic integer 1:10000                  -  (ms) Time between WAL flushes performed in the WAL writer.
work_mem                              dynamic integer 64:2147483647            -  (kB) Sets the maximum memory to be used for query workspaces.
xmlbinary                             dynamic list    base64,hex               -  Sets how binary values are to be encoded in XML.
xmloption                             dynamic list    content,document         -  Sets whether XML data in implicit parsing and serialization operations is to be considered as documents or content fragments.
`

const DEFINITIONS: readonly ParameterDefinition[] = TABLE.trim().split('\n').map(readLine)

/** The parameters that a major version has, by name. */
export function parametersOf(major: number): ReadonlyMap<string, ParameterDefinition> {
  return new Map(
    DEFINITIONS.filter(({ sinceMajor }) => sinceMajor <= major).map((one) => [one.name, one]),
  )
}

function readLine(line: string): ParameterDefinition {
  const [name = '', applyType, dataType, allowed = '-', since, ...words] = line.split(/ +/)
  const [min, max] = allowed.split(':').map(Number)
  return {
    name,
    applyType: applyType as ParameterDefinition['applyType'],
    dataType: dataType as ParameterDefinition['dataType'],
    ...(allowed.includes(':') ? { range: { min: min ?? 0, max: max ?? 0 } } : {}),
    ...(/^-$|:/.test(allowed) ? {} : { values: allowed.replaceAll('~', ' ').split(',') }),
    sinceMajor: since === '-' ? 0 : Number(since),
    description: words.join(' '),
  }
}

#include "cli/error_pages.h"

#include <algorithm>

#include "cli/text.h"

namespace nokv::cli {

namespace {

constexpr ErrorPage kPages[] = {
    {1101, "the directory belongs to a cluster",
     "MODE.json in the directory says that it has left stand-alone mode. A stand-alone program "
     "that "
     "wrote to it would do so behind the cluster's back, so the open was refused. Nothing was "
     "changed.",
     "Use the data through the cluster. To look at the directory, use nokv stats or nokv manifest, "
     "which change nothing. If the directory never was in a cluster, MODE.json came from "
     "elsewhere: "
     "restore the directory from a copy."},
    {1102, "CURRENT is missing",
     "The directory holds tables, manifests or log segments but no CURRENT, the file that names "
     "the "
     "manifest in use. It was deleted, or not copied along. Opening the directory as an empty "
     "database would hide the data, so the open was refused. Nothing was changed.",
     "Restore CURRENT from where the directory was copied, or the whole directory from a backup or "
     "a replica. Keep the files that are there: the data is in them."},
    {1203, "another process has the database open",
     "The file LOCK in the directory is locked by a running process, whose pid the message names. "
     "Two writers would destroy each other's data.",
     "Stop that process, or use its server. nokv stats and nokv manifest work beside it. Deleting "
     "LOCK does not help and is dangerous: the lock is held on the open file, and disappears with "
     "the process."},
    {1301, "the manifest is damaged",
     "A record of the manifest or the file CURRENT does not have the bytes that were written. The "
     "message names the file and the offset. Disks, memory and incomplete copies do that. Nothing "
     "was changed or repaired.",
     "Restore the directory from a backup or a replica. Keep the damaged one: tables and log are "
     "separate files and may be whole."},
    {1302, "the log is damaged",
     "A record in the middle of the log does not have the bytes that were written. (A torn end, as "
     "power loss leaves it, is no damage: it was never acknowledged as synced.) Opening without "
     "the record would lose acknowledged writes unseen, so the open was refused. Nothing was "
     "changed.",
     "Restore the directory from a backup or a replica. Keep the damaged one: what is in tables is "
     "in other files and may be whole."},
    {1303, "a table is damaged",
     "A block of a table file does not match its checksum. Reads that need this block fail; others "
     "work. The message names the file and the offset.",
     "Check the disk (dmesg, smartctl). Restore the file, which never changes once written, from a "
     "backup of any age that has it, or the directory from a replica."},
    {1304, "a table is missing",
     "The manifest names a table file that is not in the directory. Somebody deleted it, or a copy "
     "was incomplete. The open was refused, because keys would be missing or deleted ones come "
     "back.",
     "Restore the named file from where the directory was copied. Copy a database only while no "
     "process has it open."},
    {1305, "a file has a newer format",
     "The file was written by a later version of this program, in a format that this one does not "
     "know. Nothing was changed.",
     "Use the version that wrote it, or a later one. nokv version --json lists the formats that a "
     "program knows."},
    {1306, "a value file is damaged",
     "A value that lies in a log segment does not match its checksum, or the segment is not the "
     "one "
     "that tables point into, or ends too early. Reads that need such a value fail; others work. "
     "The message names the file and the offset.",
     "Check the disk (dmesg, smartctl). Restore the file, which never changes once it is full, "
     "from a backup of any age that has it, or the directory from a replica."},
    {1307, "a value file is missing",
     "Tables point to values in a log segment that is not in the directory. Somebody deleted it, "
     "perhaps to make room, or a copy was incomplete. The open was refused, because values would "
     "be missing.",
     "Restore the named file from where the directory was copied. Segments that nobody needs are "
     "removed by the program itself."},
    {1308, "RAFTLOG is missing or damaged",
     "The directory holds segments of a raft log, but the file RAFTLOG, which says where its "
     "replay starts, is not there or does not have the bytes that were written. To guess the start "
     "could bring back members that forgot their votes, so the open was refused. Nothing was "
     "changed.",
     "Restore the file from where the directory was copied. If it is lost, remove the member from "
     "its groups and let it come back under a new id with an empty directory."},
    {1309, "the catalog of regions is damaged",
     "The file REGIONS in a store's directory does not have the bytes that were written. The store "
     "would not know which regions it hosts, so it did not start. Nothing was changed.",
     "Restore the file from a copy of the directory. If there is none, remove the store from its "
     "cluster and let it come back under a new id with an empty directory."},
    {1401, "the database became read-only",
     "A write to disk failed: the disk is full, or the operating system reported an I/O error. "
     "What "
     "was acknowledged is safe; later writes are refused, so that nothing is acknowledged that "
     "cannot be kept. Reads go on. The message quotes the first error.",
     "Free space or repair the disk, then restart the program: the database opens and takes writes "
     "again. df -h and dmesg show which of the two it was."},
    {1402, "the database is closed",
     "A call came after Close, or while the server was shutting down.",
     "In a program of your own, keep the database open until the last call has returned. Against a "
     "server, retry after it is up again."},
    {1403, "the transaction met a conflict",
     "Another write changed a key or a range that the transaction had read or written, after it "
     "had "
     "begun. Nothing of the transaction was written. The message names what changed.",
     "Run the transaction again from its beginning: it reads the new values. If that happens "
     "often, "
     "make transactions shorter, or let fewer of them write the same key at the same time."},
    {2101, "the address cannot be used",
     "The server could not listen on its address: another process has the port, or the address "
     "belongs to no interface of this machine.",
     "ss -ltnp shows who has the port. Stop it, or choose another address (--addr, "
     "--metrics-addr)."},
    {2201, "settings have mistakes",
     "A settings file is no JSON object, names a setting that there is not, gives one twice, or "
     "gives "
     "it a value that does not fit. Every mistake has a line of its own: file, line, column, and "
     "what is wrong. Nothing was done.",
     "Correct the file; nokv config check FILE looks at it again without doing anything, and nokv "
     "config explain lists the settings that there are, their values and where those come from. "
     "JSON "
     "has no comments and no comma behind the last value."},
    {2202, "a settings file cannot be read",
     "The file that --config or NOKV_CONFIG names is not there, or a settings file is a directory, "
     "a pipe, larger than 1 MiB, or not readable for this user. Nothing was done: to go on with "
     "other settings than those written down could do harm.",
     "Correct the name or the permissions. Settings hold names of secret files, never secrets, so "
     "they may be readable for everybody. Without --config the files ./nokv.json, "
     "$XDG_CONFIG_HOME/nokv/config.json (or ~/.config/nokv/config.json) and /etc/nokv/nokv.json "
     "are "
     "read, if they exist."},
    {2203, "the description of a cluster has mistakes",
     "raft_config.json, or the file that --config names, is no JSON object, has fields that there "
     "are not, or describes no cluster: ids or addresses that are given twice, ranges of regions "
     "that overlap or leave keys to nobody, peers on stores that there are not. Every mistake has "
     "a line of its own: file, line, column, and what is wrong. Nothing was done.",
     "Correct the file; nokv-config validate --config FILE looks at it again. "
     "raft_config.example.json is one that works."},
    {2302, "the coordinator does not hold the lease",
     "Of all coordinators one at a time gives out ids and timestamps: the holder of the lease. The "
     "message names the holder, as far as it is known. Clients find it by themselves; they show "
     "this error when nobody held the lease for as long as they waited: all coordinators are new, "
     "the holder died and its lease is not over yet, or no coordinator reaches the metadata root.",
     "nokv status shows who holds the lease, and what is wrong if nobody does. After the death of "
     "a holder another coordinator gets the lease when its time (--lease-ttl) is over."},
    {2303, "two coordinators have one id",
     "A coordinator found that another process with its --coordinator-id holds the lease and "
     "renews it. It has given out nothing, and ended.",
     "Give each coordinator an id of its own. If the other process should not run, stop it; the "
     "message says where it is."},
    {2304, "the directory belongs to another node of a metadata root",
     "META_ROOT in the directory says for which node, among which peers, it was made. Another "
     "node, "
     "or one of another cluster, would forget what this one has promised, so it did not start. "
     "Nothing was changed.",
     "Give --node-id and --peer as the message quotes them, or the --workdir of this node. Nodes "
     "that may move get names instead of numbers in --peer: names can be moved in DNS or in "
     "/etc/hosts."},
    {2305, "the directory belongs to another cluster",
     "The nodes of a metadata root agree on the id of their cluster when they begin, and each "
     "keeps it in its directory. Two nodes with the same --peer met that have different ones: one "
     "of them has a directory of an older cluster, or of a copy. They refuse each other, and "
     "nothing was changed.",
     "Give the node the directory that it had, with --workdir. If the older cluster is not wanted "
     "any more, move its directories away from all three nodes."},
    {2306, "the directory is not the one that the node had",
     "The other nodes of the metadata root know this node by another directory: it was lost, or "
     "the node was given an empty or a restored one. It has forgotten what it had promised, so "
     "that whatever it were to say could undo what the cluster has acknowledged. The others do "
     "not listen to it, and go on as long as both of them run.",
     "Give the node the directory that it had, with --workdir; what was done meanwhile it takes "
     "from the others. A directory that is lost for good cannot be replaced under the same "
     "--peer: see `A node that is lost for good` in docs/meta-root.md."},
    {2307, "a node of the metadata root cannot write to its disk",
     "A write or a sync failed: the disk is full, or the operating system reported an I/O error; "
     "the message quotes it. The node ended with exit code 1, or did not start, before anything "
     "was acknowledged that cannot be kept. The other two nodes go on; with one more missing "
     "nothing can be changed.",
     "Free space or repair the disk, then start the node again with the same flags: it takes from "
     "the others what it missed. df -h and dmesg show which of the two it was."},
};

constexpr size_t kColumns = 80;

}  // namespace

std::span<const ErrorPage> ErrorPages() {
  return kPages;
}

const ErrorPage* FindErrorPage(uint16_t number) {
  const auto* it = std::find_if(std::begin(kPages), std::end(kPages),
                                [number](const ErrorPage& page) { return page.number == number; });
  return it == std::end(kPages) ? nullptr : it;
}

std::string RenderErrorPage(const ErrorPage& page) {
  std::string text = "E" + std::to_string(page.number) + ": " + std::string(page.title) + "\n\n";
  text += "Cause\n" + Fill(page.cause, kColumns, "  ");
  return text + "\nWay out\n" + Fill(page.way_out, kColumns, "  ");
}

}  // namespace nokv::cli

// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import Synchronization

/// Keeps conditions that concern every request, such as a full disk, from filling the log; shared by all event loops.
final class MessageThrottle: Sendable {
    enum Topic: Hashable {
        /// Of an app, for a reason and by the failure of a start: none hides another one.
        case refusal(app: ExactText, LinkRefusal.Kind, errorID: ExactText?)
        /// Of more apps and failures in a second than are told apart.
        case otherRefusals
        case temporaryFile
        case descriptors
        /// Clients for whom too much is kept.
        case clientShare
        /// Many at a time, when a process is restarted.
        case cutConnections
        /// The app that hands files over.
        case handedOverFile(String)
        /// The app that answers requests for an upgrade by itself.
        case upgradeNotTaken(String)
        /// The document root that is closed.
        case documentRoot(String)

        var interval: TimeAmount {
            switch self {
            case .refusal, .otherRefusals, .cutConnections: .seconds(1)
            case .temporaryFile, .descriptors, .clientShare: .minutes(1)
            case .handedOverFile, .upgradeNotTaken: .minutes(10)
            // Once in the life of a worker, by human measure.
            case .documentRoot: .hours(24 * 365)
            }
        }

        fileprivate var isRefusal: Bool {
            if case .refusal = self { true } else { false }
        }
    }

    private struct Record {
        var resumes: NIODeadline
        var suppressed = 0
    }

    static let maxRefusals = 1000

    private let records = Mutex<[Topic: Record]>([:])

    /// How many messages were left out before this one; nil if this one is left out too.
    func admit(_ topic: Topic, at now: NIODeadline) -> Int? {
        self.records.withLock { records in
            let topic = Self.bounded(topic, in: &records, at: now)
            if let record = records[topic], now < record.resumes {
                records[topic] = Record(resumes: record.resumes, suppressed: record.suppressed + 1)
                return nil
            }
            let suppressed = records[topic]?.suppressed ?? 0
            records[topic] = Record(resumes: now + topic.interval)
            return suppressed
        }
    }

    /// Failures have IDs without end, so records of refusals go once they are over.
    private static func bounded(_ topic: Topic, in records: inout [Topic: Record], at now: NIODeadline) -> Topic {
        guard topic.isRefusal, records[topic] == nil, records.count >= self.maxRefusals else { return topic }
        records = records.filter { !$0.key.isRefusal || now < $0.value.resumes }
        return records.count < self.maxRefusals ? topic : .otherRefusals
    }
}

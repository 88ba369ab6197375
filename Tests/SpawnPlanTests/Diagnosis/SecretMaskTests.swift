// SPDX-License-Identifier: MIT

import AppSettings
import Testing

@testable import SpawnPlan

struct SecretMaskTests {
    @Test(arguments: [
        ("SECRET_KEY_BASE", true), ("api_token", true), ("DB_PASSWORD", true), ("MYSQL_PWD", true), ("SSH_KEY", true),
        ("GOOGLE_APPLICATION_CREDENTIALS", true), ("PASSENGER_SECRET", true), ("PWD", false), ("OLDPWD", false),
        ("PATH", false), ("PASSENGER_APP_ENV", false), ("IN_PASSENGER", false), ("FLYING_PASSENGER_INSTANCE", false),
        ("PASSENGER_BASE_URI", false),
        ("HOME", false),
    ])
    func `secrets are known by the name of their variable`(name: String, isHidden: Bool) {
        #expect(SecretMask.hides(name) == isHidden)
        let masked = SecretMask.masked([.init(name: name, value: "x"), .init(name: name, value: "")])
        #expect(masked.map(\.value) == [isHidden ? "********" : "x", ""])
    }

    @Test(arguments: [
        ("postgres://joe:s3cret@db.example:5432/shop", "postgres://joe:********@db.example:5432/shop"),
        ("redis://:s3cret@cache/0", "redis://:********@cache/0"),
        ("amqp://a:b@c d mysql://e:f@g", "amqp://a:********@c d mysql://e:********@g"),
        ("mongodb://u:p@ss@h1,h2/db", "mongodb://u:********@h1,h2/db"),
        ("postgres://u:pa/ss@host/db", "postgres://u:********@host/db"),
        ("https://ghp_abcdefghijklmnop@github.com/x.git", "https://********@github.com/x.git"),
        ("ssh://git@github.com/x.git", "ssh://git@github.com/x.git"),
        ("http://localhost:9200/a@b", "http://localhost:9200/a@b"),
        ("http://user:@host/", "http://user:@host/"), ("http://host/path?x=a@b", "http://host/path?x=a@b"),
        ("could not reach 'postgres://u:p@h/d': no", "could not reach 'postgres://u:********@h/d': no"),
        ("://", "://"), ("a://b", "a://b"), (":/", ":/"), ("", ""), ("ü://ü:ü@ü", "ü://ü:********@ü"),
    ])
    func `passwords in addresses are replaced, the rest stays`(text: String, masked: String) {
        #expect(SecretMask.maskingCredentials(text) == masked)
        #expect(SecretMask.maskingCredentials(masked) == masked)
        #expect(SecretMask.masked([.init(name: "DATABASE_URL", value: text)]).first?.value == masked)
    }
}

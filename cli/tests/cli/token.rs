//! A ceremony whose roots go into a PKCS#11 token: run by `.ci/with-softhsm`.

use crate::run::{json, onecard, write_secret};

#[test]
fn the_roots_of_a_ceremony_go_into_a_token() {
    let library = std::env::var("ONECARD_PKCS11").unwrap_or_else(|_| panic!("run this test by .ci/with-softhsm"));
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, text) in [("a.pass", "words of the one"), ("b.pass", "words of the other"), ("token.pin", "135790")] {
        write_secret(&at.join(name), text);
    }
    let combine = format!(
        "ceremony combine root.ceremony --component a.component --passphrase-file a.pass --component b.component \
         --passphrase-file b.pass --pkcs11 {library} --token-pin-file token.pin --token"
    );
    for (ceremony, cipher, code) in [("one", "aes", 0), ("two", "sm4", 1)] {
        let folder = at.join(ceremony);
        std::fs::create_dir(&folder).unwrap();
        json(&folder, &format!("ceremony new root.ceremony --holder a --holder b --cipher {cipher}"), 0);
        for holder in ["a", "b"] {
            std::fs::copy(at.join(format!("{holder}.pass")), folder.join(format!("{holder}.pass"))).unwrap();
            let make = format!("--holder {holder} --out {holder}.component --passphrase-file {holder}.pass");
            json(&folder, &format!("ceremony component root.ceremony {make}"), 0);
        }
        std::fs::copy(at.join("token.pin"), folder.join("token.pin")).unwrap();
        let combined = json(&folder, &format!("{combine} ceremony"), code);
        if code == 1 {
            assert!(combined["error"].as_str().unwrap().contains("SM4, which PKCS#11 has not"), "{combined}");
            continue;
        }
        assert!(combined["store"].as_str().unwrap().starts_with("token \"ceremony\" in slot"), "{combined}");
        // Done again, it finds them; into another token, it says which there are.
        assert_eq!(json(&folder, &format!("{combine} ceremony"), 0)["already_there"], true);
        let absent = onecard(&folder, &format!("{combine} nowhere"));
        assert!(absent.code == 1 && absent.err.contains("no token labelled \"nowhere\""), "{}", absent.err);
    }
}

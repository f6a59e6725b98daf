//! A report as JUnit XML, as build servers read it: a suite for each chapter, a case for each rule and
//! setting.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::{Chapter, Document, ToldRule, ToldSetting};

impl Document {
    /// As JUnit XML in UTF-8. A known difference is a case that passes with a note in its output.
    ///
    /// # Errors
    /// Never, as long as a string can be written to.
    pub fn junit(&self) -> io::Result<String> {
        let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let suites = [
            ("name", "onecard conformance".to_owned()),
            ("tests", self.cases().count().to_string()),
            ("failures", self.cases().filter(|case| case.verdict == "failed").count().to_string()),
            ("skipped", self.cases().filter(|case| case.verdict == "skipped").count().to_string()),
        ];
        let suites = suites.iter().map(|(name, value)| (*name, value.as_str()));
        xml.create_element("testsuites")
            .with_attributes(suites)
            .write_inner_content(|xml| self.chapters.iter().try_for_each(|chapter| self.suite(xml, chapter)))?;
        String::from_utf8(xml.into_inner()).map_err(io::Error::other)
    }

    /// A case for each rule and setting.
    fn cases(&self) -> impl Iterator<Item = &ToldSetting> {
        self.chapters.iter().flat_map(Chapter::cases)
    }

    fn suite(&self, xml: &mut Writer<Vec<u8>>, chapter: &Chapter) -> io::Result<()> {
        let count = |verdict: &str| chapter.cases().filter(|case| case.verdict == verdict).count().to_string();
        let name = format!("{} {}", chapter.number, chapter.title);
        let (tests, failures, skipped) = (chapter.cases().count().to_string(), count("failed"), count("skipped"));
        let attributes = [("name", name.as_str()), ("tests", &tests), ("failures", &failures), ("skipped", &skipped)];
        xml.create_element("testsuite").with_attributes(attributes).write_inner_content(|xml| {
            xml.create_element("properties").write_inner_content(|xml| {
                for line in &self.card {
                    let property = [("name", line.name), ("value", &line.value)];
                    xml.create_element("property").with_attributes(property).write_empty()?;
                }
                Ok(())
            })?;
            chapter
                .rules
                .iter()
                .try_for_each(|rule| rule.settings.iter().try_for_each(|setting| case(xml, rule, setting)))
        })?;
        Ok(())
    }
}

impl Chapter {
    fn cases(&self) -> impl Iterator<Item = &ToldSetting> {
        self.rules.iter().flat_map(|rule| &rule.settings)
    }
}

fn case(xml: &mut Writer<Vec<u8>>, rule: &ToldRule, setting: &ToldSetting) -> io::Result<()> {
    let name = if setting.setting.is_empty() { rule.id.clone() } else { format!("{} [{}]", rule.id, setting.setting) };
    let class = format!("clause {}", rule.clause);
    let case = xml.create_element("testcase").with_attributes([("classname", class.as_str()), ("name", &name)]);
    let why = setting.why.as_deref().unwrap_or_default();
    match setting.verdict {
        "failed" => case.write_inner_content(|xml| {
            let failure = xml.create_element("failure").with_attribute(("message", why));
            failure.write_text_content(BytesText::new(&told(rule, setting)))?;
            Ok(())
        }),
        "skipped" => case.write_inner_content(|xml| {
            xml.create_element("skipped").with_attribute(("message", why)).write_empty()?;
            Ok(())
        }),
        "known" => case.write_inner_content(|xml| {
            let output = format!("known difference: {why}\n{}", told(rule, setting));
            xml.create_element("system-out").write_text_content(BytesText::new(&output))?;
            Ok(())
        }),
        _ => case.write_empty(),
    }?;
    Ok(())
}

fn told(rule: &ToldRule, setting: &ToldSetting) -> String {
    let mut lines = vec![rule.title.clone(), rule.chinese.clone()];
    for exchange in &setting.exchanges {
        lines.push(format!("> {}", exchange.sent));
        lines.push(format!("< {}", exchange.answered));
        if !exchange.fits {
            lines.push(format!("  expected {}", exchange.expected));
        }
    }
    lines.join("\n")
}

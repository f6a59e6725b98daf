//! What the events of doors and attendance terminals are called.

use onecard_wire::record::EventCode;

/// English and Chinese.
pub(crate) const fn of_event(code: EventCode) -> (&'static str, &'static str) {
    match code {
        EventCode::IN => ("in", "上班"),
        EventCode::OUT => ("out", "下班"),
        EventCode::BREAK_BEGINS => ("break begins", "休息开始"),
        EventCode::BREAK_ENDS => ("break ends", "休息结束"),
        EventCode::ACCESS_IN => ("entered", "进"),
        EventCode::ACCESS_OUT => ("left", "出"),
        EventCode::ACCESS_DENIED => ("denied", "拒绝"),
        _ => ("unknown", "未知"),
    }
}

//! Versions.

use gadus_api::types::BuildVersionInfo;

use super::fit::Column;
use super::table::Table;

/// This program's version, and the node's where one answered.
pub(crate) fn versions(
    client: &BuildVersionInfo,
    server: Option<&BuildVersionInfo>,
    width: Option<u16>,
) -> String {
    let columns = [
        Column::whole(""),
        Column::whole("GADUS"),
        Column::whole("API"),
        Column::whole("COMMIT").or_none(1),
        Column::whole("PLATFORM").or_none(2),
    ];
    let mut table = Table::new(columns, width);
    for (side, version) in [("client", Some(client)), ("server", server)] {
        let Some(version) = version else { continue };
        let platform = format!("{}/{}", version.goos, version.goarch);
        let commit: String = version.git_commit.chars().take(12).collect();
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        table.row([
            side.into(),
            or_dash(&version.gadus).into(),
            or_dash(&version.git_version).into(),
            or_dash(&commit).into(),
            platform.into(),
        ]);
    }
    table.draw()
}

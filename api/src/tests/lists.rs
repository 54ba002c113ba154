//! Lists and their pages.

use gadus_model::view::JobView;
use gadus_model::{Constraint, JobState, Operator};
use serde_json::Value;

use super::Api;
use crate::fake::FakeService;
use crate::fake::sample::{at, completed, execution, execution_of, job, job_id, new_view};
use crate::paging::PageToken;
use crate::service::{JobOrder, JobsQuery};

const JOBS: &str = "/api/v1/orchestrator/jobs";

/// Seven jobs, a millisecond apart.
fn seven() -> Api {
    let api = Api::empty();
    for n in 1..=7 {
        let view =
            JobView { created_at: at(u64::try_from(n).unwrap()), ..new_view(job(job_id(n))) };
        api.fake.inner().jobs.insert(view.job.id, view.into());
    }
    api
}

fn ids(value: &Value) -> Vec<String> {
    let items = value["Items"].as_array().unwrap();
    items.iter().map(|item| item["ID"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_follow_one_another() {
    let api = seven();
    // As the Python client asks.
    let first = "limit=5&next_token=&order_by=created_at&reverse=False";
    let page = api.get(&format!("{JOBS}?{first}")).await.value();
    assert_eq!(page["NextToken"], "Y3JlYXRlZF9hdDpOOjU6NQ");
    assert_eq!(ids(&page).len(), 5);
    // The token goes before what else is said.
    let uri = format!("{JOBS}?next_token=Y3JlYXRlZF9hdDpOOjU6NQ&reverse=true&limit=1");
    let last = api.get(&uri).await.value();
    assert_eq!(last["NextToken"], "");
    assert_eq!(ids(&last), [job_id(6).to_string(), job_id(7).to_string()]);
    assert_eq!(api.get(&format!("{JOBS}?next_token=nonsense")).await.error().0, 400);
}

#[tokio::test]
async fn queries_are_passed_on() {
    let api = seven();
    let uri = format!(
        "{JOBS}?namespace=n&labels=env%3Dtest&Labels=!x&ORDER_BY=modified_at&reverse=1&limit=3&node_id=&unknown=1"
    );
    assert_eq!(api.get(&uri).await.status, 200);
    assert_eq!(api.get(&format!("{JOBS}?namespace=*&limit=&reverse=")).await.status, 200);
    let constraint = |key: &str, operator, values: &[&str]| Constraint {
        key: key.into(),
        operator,
        values: values.iter().map(|v| (*v).to_owned()).collect(),
    };
    let expected = [
        JobsQuery {
            namespace: Some("n".into()),
            labels: vec![
                constraint("env", Operator::In, &["test"]),
                constraint("x", Operator::DoesNotExist, &[]),
            ],
            order: JobOrder::Modified,
            reverse: true,
            offset: 0,
            limit: 3,
        },
        JobsQuery { limit: 1000, ..JobsQuery::default() },
    ];
    assert_eq!(api.fake.inner().queries, expected);
}

#[tokio::test]
async fn bad_queries_are_refused() {
    let api = seven();
    for query in ["limit=five", "reverse=perhaps", "order_by=colour", "labels=a~b", "limit=-1"] {
        assert_eq!(api.get(&format!("{JOBS}?{query}")).await.error().0, 400, "{query}");
    }
    assert_eq!(api.get(&format!("{JOBS}?limit=99999999999999")).await.status, 200);
    assert_eq!(api.fake.inner().queries[0].limit, 1000, "cut to the limit");
}

#[tokio::test]
async fn an_empty_list_is_a_list() {
    let text = Api::empty().get(JOBS).await.text();
    assert_eq!(text, "{\"NextToken\":\"\",\"Items\":[]}\n");
}

#[tokio::test]
async fn a_history_can_be_polled_until_the_job_is_over() {
    let history = format!("{JOBS}/hello/history");
    let live = JobView { state: JobState::Running, ..completed() };
    let api = Api::new(FakeService::with_job(live));
    let page = api.get(&format!("{history}?limit=5&event_type=all&job_version=1")).await.value();
    let token = PageToken { limit: 5, offset: 5, ..PageToken::default() }.encode();
    assert_eq!(page["NextToken"], token.as_str());
    assert_eq!(page["Items"].as_array().map(Vec::len), Some(5));
    let page = api.get(&format!("{history}?next_token={token}")).await.value();
    assert_eq!(
        (page["Items"].as_array().map(Vec::len), page["Items"][0]["SeqNum"].as_u64()),
        (Some(3), Some(6))
    );
    let end = PageToken { limit: 5, offset: 8, ..PageToken::default() }.encode();
    assert_eq!(page["NextToken"], end.as_str());
    // Nothing new: the same token comes back.
    let page = api.get(&format!("{history}?next_token={end}")).await.value();
    assert_eq!(
        (page["Items"].as_array().map(Vec::len), page["NextToken"].as_str()),
        (Some(0), Some(end.as_str()))
    );

    api.fake.inner().jobs.insert(job_id(1), completed().into());
    let page = api.get(&format!("{history}?next_token={end}")).await.value();
    assert_eq!(page["NextToken"], "");
    let (status, _, _) = api.get(&format!("{history}?next_token=***")).await.error();
    assert_eq!(status, 400);
    // An offset beyond all is no panic.
    let beyond = PageToken { limit: 5, offset: u32::MAX, ..PageToken::default() }.encode();
    assert_eq!(api.get(&format!("{history}?next_token={beyond}")).await.status, 200);
}

#[tokio::test]
async fn a_history_is_filtered() {
    let api = Api::new(FakeService::with_job(completed()));
    let count = async |query: &str| {
        let value = api.get(&format!("{JOBS}/hello/history?{query}")).await.value();
        value["Items"].as_array().map(Vec::len)
    };
    assert_eq!(count("event_type=job").await, Some(4));
    // As the Python client asks.
    assert_eq!(count("event_type=execution&execution_id=&node_id=").await, Some(4));
    let id = execution_of(job_id(1), 1).id().to_string();
    assert_eq!(count(&format!("execution_id={}", &id[..10])).await, Some(4));
    assert_eq!(count("execution_id=e-nobody").await, Some(0));
    assert_eq!(count("since=1787133600").await, Some(8));
    assert_eq!(count("since=1787133601").await, Some(0));
    assert_eq!(count("event_type=").await, Some(8));
    assert_eq!(api.get(&format!("{JOBS}/hello/history?event_type=x")).await.status, 400);
}

#[tokio::test]
async fn executions_are_ordered_and_cut() {
    let mut view = completed();
    let mut second = execution(job_id(1));
    second.execution = execution_of(job_id(1), 2);
    second.marks.awarded_at = at(5);
    view.executions.push(second);
    let api = Api::new(FakeService::with_job(view));
    let get = async |query: &str| {
        ids(&api.get(&format!("{JOBS}/hello/executions?{query}")).await.value())
    };
    let all = get("namespace=&limit=5&next_token=&reverse=False&order_by=").await;
    assert_eq!(all.len(), 2);
    let reversed = get("reverse=True&order_by=created_at").await;
    assert_eq!(reversed, [all[1].clone(), all[0].clone()]);
    assert_eq!(get("limit=1&order_by=nonsense").await, all[..1]);
}

#[tokio::test]
async fn results_are_those_of_published_executions() {
    let mut view = completed();
    let mut failed = execution(job_id(1));
    failed.state = gadus_model::ExecutionState::Failed;
    view.executions.push(failed);
    let api = Api::new(FakeService::with_job(view));
    let value = api.get(&format!("{JOBS}/hello/results")).await.value();
    assert_eq!(value["Items"].as_array().map(Vec::len), Some(1));
    let none = Api::new(FakeService::with_job(new_view(job(job_id(1)))));
    let text = none.get(&format!("{JOBS}/hello/results")).await.text();
    assert_eq!(text, "{\"NextToken\":\"\",\"Items\":[]}\n");
}

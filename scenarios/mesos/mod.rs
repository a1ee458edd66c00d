mod agent;
mod fetcher;
mod health;
mod master;
mod offers;
mod task;

"""The tables and columns that are read; nothing else of a database is looked at, and nothing else is published."""

from __future__ import annotations

from collections.abc import Mapping


def _columns(names: str) -> frozenset[str]:
    return frozenset(names.split())


COLUMNS: Mapping[str, frozenset[str]] = {
    "experiment_runs": _columns(
        """
        run_id experiment_name start_time end_time status current_timestep config_json best_reward final_reward
        convergence_timestep model_path log_path video_path tensorboard_path git_commit python_version dependencies_json
        description tags_json created_at updated_at process_pid process_paused custom_name leg_number base_run_id
        leg_start_timestep status_note heartbeat_at root_name display_name branch_token variant_index branch_id
        parent_run_id parent_checkpoint_path parent_checkpoint_hash config_path config_hash wrappers_hash env_version
        mode deterministic epsilon start_timestep target_timestep end_timestep metadata_json
        """
    ),
    "training_metrics": _columns(
        """
        id run_id timestep timestamp episode_count total_timesteps progress_pct episode_reward_mean episode_reward_std
        episode_length_mean policy_loss value_loss entropy_loss total_loss learning_rate kl_divergence clip_fraction
        explained_variance fps steps_per_second cpu_percent memory_mb gpu_percent gpu_memory_mb gradient_norm
        weight_norm created_at
        """
    ),
    "video_generation_progress": _columns(
        """
        video_id run_id video_name video_path status progress_percentage estimated_seconds_remaining total_frames
        processed_frames started_at completed_at error_message created_at updated_at
        """
    ),
    "chart_annotations": _columns("annotation_id run_id axes_name x y text created_at color style"),
    "chart_states": _columns("state_id name description created_at state_data"),
    "experiments": _columns(
        """
        experiment_id name game algorithm preset config_json lineage_json status created started completed tags_json
        notes progress_pct current_timestep elapsed_time estimated_time_remaining latest_metrics_json
        final_metrics_json created_at updated_at
        """
    ),
    "video_artifacts": _columns(
        """
        video_id experiment_id path type duration size_mb created tags_json metadata_json thumbnail_path avg_score
        max_score episode_count created_at updated_at
        """
    ),
    "training_videos": _columns(
        """
        id run_id segment_number file_path file_size_mb duration_seconds frame_count start_timestep end_timestep
        start_time end_time status created_at updated_at
        """
    ),
    "gpu_metrics": _columns(
        """
        id run_id ts gpu_util_pct vram_used_mb vram_total_mb temp_c power_w pid pid_vram_used_mb run_gpu_util_est_pct
        """
    ),
    "sqlite_sequence": _columns("name seq"),
}
"""Every known column of every known table, of all versions of the recording application."""

DOCUMENTS = _columns(
    """
    config_json dependencies_json tags_json metadata_json lineage_json latest_metrics_json final_metrics_json state_data
    """
)
"""Columns that hold JSON."""
